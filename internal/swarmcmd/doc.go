// Package swarmcmd is the commands "hearsay sim swarm" and "hearsay sim replay":
// they look for schedules that break the protocol, and play one that did.
//
// The command line mounts [Swarm] and [Replay] and binds a context, which ends
// long runs. Output goes to the parser's Stdout.
package swarmcmd
