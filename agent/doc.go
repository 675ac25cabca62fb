// Package agent is the daemon as a library: one node with its identity and
// state on disk, its HTTP interface and its metrics.
//
//	a, err := agent.Start(ctx, agent.Config{Name: "web-1", SecretDir: "secret", DataDir: "data"})
//	…
//	<-a.Done()
//	err = a.Close()
//
// [Run] does that until its context ends, and says goodbye then. Everything of
// the protocol is in package hearsay; this package opens what the node needs
// (keys, directories, sockets) and explains what is wrong with it.
package agent
