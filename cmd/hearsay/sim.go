package main

import "github.com/hearsay-gossip/hearsay/internal/spreadcmd"

type simCmd struct {
	Spread spreadcmd.Spread `cmd:"" help:"Spread a rumor in rounds, and compare with theory."`
}
