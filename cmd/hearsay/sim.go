package main

import (
	"github.com/hearsay-gossip/hearsay/internal/simcmd"
	"github.com/hearsay-gossip/hearsay/internal/spreadcmd"
)

type simCmd struct {
	Spread  spreadcmd.Spread `cmd:"" help:"Spread a rumor in rounds, and compare with theory."`
	Cluster simcmd.Cluster   `cmd:"" help:"Run many nodes of the shipping protocol in virtual time."`
	Plan    simcmd.Plan      `cmd:"" help:"What to expect of a cluster before it is built."`
}
