package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// gossipType is the type of the bodies between nodes. Their data is a payload of
// hearsay's wire protocol: what would otherwise be a datagram.
const gossipType = "gossip"

// Defaults of a [Config].
const (
	// AckDelay is longer than most gaps between two messages for one node, so that
	// few acks go alone, and short enough for a hub that is cut off to be missed.
	AckDelay = 2 * time.Second
	// Compare has five comparisons fit into the ten seconds that Maelstrom gives
	// nodes to recover.
	Compare = 2 * time.Second
)

const (
	// payloadMax is what one message between nodes may hold. Maelstrom bounds
	// nothing, and counts messages: what goes to a node at one time is one.
	payloadMax = 1 << 20
	// retention is how long values are kept for nodes that are cut off: longer
	// than a test.
	retention = time.Hour
	// inFlightMax bounds own values that some node has not confirmed. A node that
	// is cut off confirms nothing, and the others go on.
	inFlightMax = 1 << 16
	// pullAfter is how long, beyond the time at the hub, something that others
	// have may still be on its way: a round trip of the slowest links.
	pullAfter = 500 * time.Millisecond
	// alertPace is how many comparisons there are in the time of one, for as long
	// as alertFor of them would take, after something had to be asked for.
	alertPace = 4
	alertFor  = 3
)

// gossip drives the protocol of events: it carries payloads between it and
// lines, and has nodes compare what they have, which hearsay does with its
// probes.
type gossip struct {
	self    member.NodeID
	cluster *cluster
	machine *broadcast.Machine
	out     effect.Out
	rand    *rand.Rand
	log     *slog.Logger
	batch   time.Duration
	every   time.Duration // from one comparison to the next
	next    time.Duration
	news    time.Duration // when something new came last, other than by repair
	// repaired is how many values had to be asked for; until alert more may have to.
	repaired uint64
	alert    time.Duration
}

// errStranger is returned for gossip of a node that init did not name.
var errStranger = errors.New("not a member")

func newGossip(now time.Duration, cfg Config, name string, names []string) *gossip {
	g := &gossip{self: idOf(name), cluster: newCluster(names), rand: cfg.Rand, log: cfg.Log, batch: cfg.Batch, every: cfg.Compare}
	g.later(now)
	g.machine = broadcast.New(member.Time(now), broadcast.Config{
		ID: g.self, Epoch: epoch, Name: member.Name(name), Members: g.cluster, Out: &g.out, Rand: cfg.Rand,
		PayloadMax: payloadMax, Hub: cfg.Batch > 0,
		Timing: broadcast.Timing{
			BatchWindow: cfg.Batch, AckDelay: cfg.AckDelay, Window: retention,
			HeardDelay: -1, PullDelay: cfg.Batch + pullAfter,
		},
		Limits: broadcast.Limits{InFlight: inFlightMax},
	})
	return g
}

// quiet is when nothing new will have come for a while, if nothing does; what the
// hub may have is about to come.
func (g *gossip) quiet() time.Duration { return g.news + g.every/2 + g.batch }

// later plans the next comparison, not at the same time on all nodes.
func (g *gossip) later(now time.Duration) {
	every := g.every
	if now < g.alert {
		every /= alertPace
	}
	g.next = now + every*3/4 + time.Duration(g.rand.Int64N(int64(every/2)+1))
}

// publish sends a value to all; the error is a sentinel of package broadcast,
// wrapped.
func (g *gossip) publish(now time.Duration, topic string, value []byte) error {
	_, _, err := g.machine.Publish(member.Time(now), broadcast.Message{Topic: topic, Payload: value})
	if err == nil {
		g.news = now
	}
	return err
}

// receive hands a payload in, message by message.
func (g *gossip) receive(now time.Duration, src string, payload []byte) error {
	id := idOf(src)
	if g.cluster.names[id] != src {
		return errStranger
	}
	from := effect.Peer{ID: id}
	for len(payload) > 0 {
		t, body, rest, err := wire.Next(payload)
		if err != nil {
			return fmt.Errorf("read payload: %w", err)
		}
		if err := g.machine.Receive(member.Time(now), from, t, body); err != nil {
			return fmt.Errorf("read %v: %w", t, err)
		}
		payload = rest
	}
	return nil
}

func (g *gossip) tick(now time.Duration) { g.machine.Tick(member.Time(now)) }

func (g *gossip) deadline() time.Duration {
	return min(time.Duration(g.machine.Deadline()), max(g.next, g.quiet()))
}

// drain takes the effects: values that others published, and one payload for each
// node to which something goes.
func (g *gossip) drain(now time.Duration, keep func(topic string, value []byte), send func(to string, payload []byte)) {
	for i := range g.out.Events {
		switch e := &g.out.Events[i]; e.Kind {
		case effect.MessageReceived:
			keep(e.Key, e.Value)
			g.received(now)
		case effect.MessageMissed:
			g.log.Error("values lost", "origin", g.cluster.names[e.ID], "count", e.Count)
		default: // receipts: clients were answered before
		}
	}
	var to []member.NodeID
	payloads := make(map[member.NodeID][]byte)
	for i := range g.out.Sends {
		s := &g.out.Sends[i]
		if payloads[s.To] == nil {
			to = append(to, s.To)
		}
		payloads[s.To] = append(payloads[s.To], g.out.Payload(s)...)
	}
	g.out.Reset()
	if now >= g.next {
		to = g.compare(now, to, payloads)
	}
	for _, id := range to {
		send(g.cluster.names[id], payloads[id])
	}
}

// received takes note of something new. Where one thing was missed there may be
// more, here and with others who do not know: for a while comparisons are
// frequent.
func (g *gossip) received(now time.Duration) {
	if repaired := g.machine.Stats().Repaired; repaired > g.repaired {
		g.repaired = repaired
		if now >= g.alert {
			g.next = min(g.next, now+g.every/alertPace)
		}
		g.alert = now + alertFor*g.every
		return
	}
	g.news = now
}

// compare has what this node has compared with what another has. While there are
// payloads to ride on it tells one of their receivers all of it: that costs no
// message. When nothing new has come for a while it sends a hash to anybody, who
// answers if its own differs, and does so once a second at most. On alert, when
// many have to be answered, it tells all and has the other do the same.
func (g *gossip) compare(now time.Duration, to []member.NodeID, payloads map[member.NodeID][]byte) []member.NodeID {
	root, any := g.machine.Root()
	switch {
	case !any || len(g.cluster.peers) < 2:
		g.later(now)
	case len(to) > 0:
		id := to[g.rand.IntN(len(to))]
		payloads[id] = g.machine.AppendHeard(payloads[id], false)
		g.later(now)
	case now >= g.quiet():
		id := g.anybody()
		if now < g.alert {
			payloads[id] = g.machine.AppendHeard(nil, true)
		} else {
			payloads[id] = wire.Append(nil, &wire.HeardRoot{Root: root})
		}
		to = append(to, id)
		g.later(now)
	}
	return to
}

// anybody draws another node.
func (g *gossip) anybody() member.NodeID {
	peers := g.cluster.peers
	for {
		if id := peers[g.rand.IntN(len(peers))].ID; id != g.self {
			return id
		}
	}
}
