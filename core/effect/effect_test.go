package effect

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

var (
	alice = member.NodeID{0xa1}
	bob   = member.NodeID{0xb0}
	addr  = netip.MustParseAddrPort("10.0.0.1:7946")
)

func TestASendIsOnePiece(t *testing.T) {
	var o Out
	o.Open(alice, addr, Datagram)
	o.Add(&wire.Nack{Seq: 1})
	o.Spread(RumorKey{Subject: bob}, &wire.Nack{Seq: 2})
	if o.Reopen(alice, addr, Datagram) {
		t.Error("a rumor lies behind it: it may not grow")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a message was added behind a rumor")
			}
		}()
		o.Add(&wire.Nack{Seq: 3})
	}()
	o.Open(bob, addr, Stream)
	o.AddBody(wire.TypeNack, []byte{0, 0, 0, 4})
	for _, wrong := range []bool{o.Reopen(alice, addr, Stream), o.Reopen(bob, netip.AddrPort{}, Stream), o.Reopen(bob, addr, Datagram)} {
		if wrong {
			t.Error("reopened for somebody else, another address or lane")
		}
	}
	if !o.Reopen(bob, addr, Stream) {
		t.Error("not reopened")
	}
	o.Add(&wire.Nack{Seq: 5})
	want := []string{"\x04\x04\x00\x00\x00\x01", "\x04\x04\x00\x00\x00\x04\x04\x04\x00\x00\x00\x05"}
	for i := range o.Sends {
		if got := string(o.Payload(&o.Sends[i])); got != want[i] || o.Sends[i].Size() != len(got) {
			t.Errorf("send %d is % x, want % x", i, got, want[i])
		}
	}
	if got := string(o.Body(&o.Rumors[0])); got != "\x04\x04\x00\x00\x00\x02" {
		t.Errorf("rumor % x", got)
	}
	o.Reset()
	if len(o.Sends)+len(o.Rumors)+len(o.Events) != 0 || o.Reopen(bob, addr, Stream) {
		t.Error("something outlived the reset")
	}
}

func TestSuspicionsAreNotInTheRoot(t *testing.T) {
	for kind, want := range map[RumorKind]bool{Membership: true, Suspicion: false, FactWrite: true} {
		if kind.InRoot() != want {
			t.Errorf("kind %d: %v", kind, kind.InRoot())
		}
	}
}

func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]Kind{"unknown": 0}
	for k := Kind(1); k < kindEnd; k++ {
		if other, taken := seen[k.String()]; taken || k.String() == "" {
			t.Errorf("kinds %d and %d are both %q", k, other, k)
		}
		seen[k.String()] = k
	}
	if Kind(0).String() != "unknown" || kindEnd.String() != "unknown" {
		t.Error("a kind that is none has a name")
	}
}

func TestEventsFitOnALine(t *testing.T) {
	for want, e := range map[string]Event{
		"member-died a1000000 dead 1.2 by b0000000": {Kind: MemberDied, ID: alice, Claim: member.Claim{Epoch: 1, Incarnation: 2, State: member.Dead}, By: bob},
		"fact-set a1000000 k=\"v\\n\" hops=3":       {Kind: FactSet, ID: alice, Key: "k", Value: []byte("v\n"), Hops: 3},
		"join-failed at 10.0.0.1:7946":              {Kind: JoinFailed, Addr: addr},
		"probe-acked a1000000 after 2ms":            {Kind: ProbeAcked, ID: alice, Elapsed: 2 * time.Millisecond},
		"health-changed count=4":                    {Kind: HealthChanged, Count: 4},
	} {
		if got := e.Describe(); got != want || strings.Contains(got, "\n") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
