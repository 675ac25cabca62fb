package main

import (
	"errors"
	"testing"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/sim"
)

// What applications see of a node is the same, be it real or simulated.
func TestSimulatedTypesAreTheRealOnes(t *testing.T) {
	var (
		_ hearsay.Member    = sim.Member{}
		_ hearsay.Event     = sim.Event{}
		_ hearsay.EventKind = sim.Resync
	)
	for _, pair := range [][2]error{
		{hearsay.ErrClosed, sim.ErrClosed},
		{hearsay.ErrLeft, sim.ErrLeft},
		{hearsay.ErrKey, sim.ErrKey},
		{hearsay.ErrValue, sim.ErrValue},
		{hearsay.ErrKeys, sim.ErrKeys},
		{hearsay.ErrUnknownKey, sim.ErrUnknownKey},
	} {
		if !errors.Is(pair[0], pair[1]) {
			t.Errorf("%q is another error when simulated", pair[0])
		}
	}
}
