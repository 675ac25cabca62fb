package main

import (
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func TestMemberlistsBecomeFull(t *testing.T) {
	if testing.Short() {
		t.Skip("opens real sockets and waits for real timers")
	}
	for name, sealed := range map[string]bool{"sealed": true, "unsealed": false} {
		t.Run(name, func(t *testing.T) {
			r, err := benchcluster.Run(t.Context(), newMemberlists(sealed), benchcluster.Options{
				Nodes: 3, Patience: time.Minute, Poll: time.Millisecond, Idle: time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if !r.FullOK || !r.FullAfter || r.FalseDeaths != 0 {
				t.Errorf("full %t, after idle %t, %d false deaths; want full and none", r.FullOK, r.FullAfter, r.FalseDeaths)
			}
			// Two of the three joined the seed over a stream each.
			if r.JoinStreamBytesPerNode == 0 {
				t.Error("joined without a stream")
			}
			if r.GoroutinesPerNode < 2 {
				t.Errorf("%v goroutines a node, want one for each socket at least", r.GoroutinesPerNode)
			}
		})
	}
}

func TestMemberlistsCloseBeforeStart(t *testing.T) {
	if err := newMemberlists(true).Close(); err != nil {
		t.Error(err)
	}
}

func TestClosingMemberlistsCountNoDeath(t *testing.T) {
	c := &memberlists{}
	v := &view{owner: c}
	v.NotifyJoin(&memberlist.Node{})
	v.NotifyLeave(&memberlist.Node{})
	if got := c.FalseDeaths(); got != 1 {
		t.Fatalf("%d deaths after a leave event, want 1", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	v.NotifyLeave(&memberlist.Node{})
	if got := c.FalseDeaths(); got != 1 {
		t.Errorf("%d deaths after a leave event while closing, want 1", got)
	}
}

func TestSealingTakesAnAES256Key(t *testing.T) {
	if got := len(newMemberlists(true).(*memberlists).key); got != 32 {
		t.Errorf("sealed key has %d bytes, want 32", got)
	}
	if got := newMemberlists(false).(*memberlists).key; got != nil {
		t.Errorf("unsealed cluster has a key of %d bytes", len(got))
	}
}
