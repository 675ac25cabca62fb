package main

import (
	"github.com/hearsay-gossip/hearsay/internal/simcmd"
	"github.com/hearsay-gossip/hearsay/internal/spreadcmd"
	"github.com/hearsay-gossip/hearsay/internal/swarmcmd"
)

type simCmd struct {
	Spread  spreadcmd.Spread `cmd:"" help:"Spread a rumor in rounds, and compare with theory."`
	Cluster simcmd.Cluster   `cmd:"" help:"Run many nodes of the shipping protocol in virtual time."`
	Swarm   swarmcmd.Swarm   `cmd:"" help:"Look for faults that break the protocol, and keep those that do."`
	Replay  swarmcmd.Replay  `cmd:"" help:"Play a schedule of faults from a file."`
	Plan    simcmd.Plan      `cmd:"" help:"What to expect of a cluster before it is built."`
}
