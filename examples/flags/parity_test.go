package main

import (
	"context"
	"errors"
	"testing"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// node is what applications can do with a node of either kind. What waits for
// something returns a channel or a sequence when it is real, and nothing when
// simulated: those methods differ.
type node interface {
	Members() []hearsay.Member
	Self() hearsay.Member
	Lookup(name string) (hearsay.Member, bool)
	LookupID(id member.NodeID) (hearsay.Member, bool)
	MetaOf(id member.NodeID) map[string][]byte
	Handle(ctx context.Context, topic string, f func(context.Context, hearsay.Message))
	HandleQueries(ctx context.Context, topic string, f func(context.Context, hearsay.Question) ([]byte, error))
	Close() error
}

var (
	_ node = (*hearsay.Node)(nil)
	_ node = (*sim.Node)(nil)
)

// What applications see of a node is the same, be it real or simulated.
func TestSimulatedTypesAreTheRealOnes(t *testing.T) {
	var (
		_ hearsay.Member     = sim.Member{}
		_ hearsay.Event      = sim.Event{}
		_ hearsay.EventKind  = sim.Resync
		_ hearsay.Message    = sim.Message{}
		_ hearsay.MessageID  = sim.MessageID{}
		_ hearsay.Progress   = sim.Progress{}
		_ hearsay.Query      = sim.Query{Filter: sim.Filter{Tags: []sim.Tag{}}}
		_ hearsay.Question   = sim.Question{}
		_ hearsay.Answer     = sim.Answer{}
		_ hearsay.QueryStats = sim.QueryStats{}
	)
	for _, pair := range [][2]error{
		{hearsay.ErrClosed, sim.ErrClosed},
		{hearsay.ErrLeft, sim.ErrLeft},
		{hearsay.ErrKey, sim.ErrKey},
		{hearsay.ErrValue, sim.ErrValue},
		{hearsay.ErrKeys, sim.ErrKeys},
		{hearsay.ErrUnknownKey, sim.ErrUnknownKey},
		{hearsay.ErrTopic, sim.ErrTopic},
		{hearsay.ErrSize, sim.ErrSize},
		{hearsay.ErrBackpressure, sim.ErrBackpressure},
		{hearsay.ErrFilter, sim.ErrFilter},
	} {
		if !errors.Is(pair[0], pair[1]) {
			t.Errorf("%q is another error when simulated", pair[0])
		}
	}
}
