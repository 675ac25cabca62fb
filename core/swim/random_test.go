package swim

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// TestAnyHistoryKeepsTheInvariants says whatever eight persons, some with the
// same name, could say, in any order, to a node with room for six members. The
// table stays sound, no claim of a member goes back, and the next call is never
// in the past after a tick.
func TestAnyHistoryKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, 0, seeded(rapid.Uint64().Draw(rt, "seed")), func(c *Config) { c.MembersMax = 6 })
		anyPerson := rapid.Map(rapid.IntRange(0, 8), func(n int) person {
			p := newPerson(n)
			if n > 5 {
				p.name = newPerson(n - 5).name
			}
			return p
		})
		anyClaim := func(states ...member.State) member.Claim {
			return claim(rapid.SampledFrom(states).Draw(rt, "state"),
				member.Epoch(rapid.IntRange(1, 2).Draw(rt, "epoch")), member.Incarnation(rapid.IntRange(0, 3).Draw(rt, "incarnation")))
		}
		gone := []member.State{member.Suspect, member.Dead, member.Left}
		age := rapid.SampledFrom([]time.Duration{0, time.Second, 80 * time.Hour})
		held := map[member.NodeID]member.Claim{}
		rt.Repeat(map[string]func(*rapid.T){
			"record": func(rt *rapid.T) {
				c := anyClaim(member.Alive, member.Left)
				r.hear(anyPerson.Draw(rt, "of").record(c.State, c.Epoch, c.Incarnation))
			},
			"accuse": func(rt *rapid.T) {
				r.OnAccuse(r.now, anyPerson.Draw(rt, "via").peer(), &wire.Accuse{
					Subject: anyPerson.Draw(rt, "subject").id, Accuser: anyPerson.Draw(rt, "by").id, Claim: anyClaim(gone...), Age: age.Draw(rt, "age"),
				})
			},
			"stamp": func(rt *rapid.T) {
				s := wire.Stamp{ID: anyPerson.Draw(rt, "of").id, Claim: anyClaim(member.Alive, member.Dead, member.Left), Age: age.Draw(rt, "age")}
				r.OnStamp(r.now, anyPerson.Draw(rt, "via").peer(), &s)
			},
			"payload": func(rt *rapid.T) { r.Heard(anyPerson.Draw(rt, "of").id) },
			"ack": func(*rapid.T) {
				r.relayAck(newPerson(1).peer(), &wire.Ack{Seq: r.seq})
				r.OnNack(&wire.Nack{Seq: r.probe.seq})
			},
			"ping-req": func(rt *rapid.T) {
				r.OnPingReq(r.now, newPerson(1).peer(), &wire.PingReq{Target: anyPerson.Draw(rt, "target").id, Budget: time.Second})
			},
			"retire": func(rt *rapid.T) { r.Retire(r.now, anyPerson.Draw(rt, "of").id) },
			"leave": func(rt *rapid.T) {
				if rapid.IntRange(0, 20).Draw(rt, "really") == 0 {
					r.Leave(r.now)
				}
			},
			"wait": func(rt *rapid.T) {
				r.now = r.now.Add(rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, time.Minute, 30 * time.Hour}).Draw(rt, "for"))
				r.Tick(r.now)
				r.Tick(r.now)
				if r.Deadline() <= r.now {
					rt.Fatalf("deadline %v from now", r.Deadline().Sub(r.now))
				}
			},
			"sleep": func(*rapid.T) {
				r.now = r.now.Add(time.Hour)
				r.OnPause(r.now, time.Hour)
			},
			"": func(rt *rapid.T) {
				checkInvariants(rt, r.Machine)
				now := map[member.NodeID]member.Claim{}
				for _, e := range r.table.entries {
					now[e.id] = e.claim
					if before, ok := held[e.id]; ok && before.Supersedes(e.claim) {
						rt.Fatalf("%d was %v, is %v", number(e.id), before, e.claim)
					}
				}
				held = now
				r.clear()
			},
		})
	})
}
