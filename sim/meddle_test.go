package sim

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
)

// meddling decides by a function.
type meddling func(from, to int, p *core.Packet) Fate

func (f meddling) Meddle(from, to int, p *core.Packet) Fate { return f(from, to, p) }

// heard lists the payloads that a node was given.
type heard struct {
	tally
	node     int
	payloads []string
	at       []time.Duration
}

func (h *heard) Receiving(node int, now time.Duration, _ int, payload []byte) {
	if node == h.node {
		h.payloads = append(h.payloads, string(payload))
		h.at = append(h.at, now)
	}
}

func TestMeddlerDecidesTheFateOfPackets(t *testing.T) {
	const text = "\x7f\x01x"
	for _, tt := range []struct {
		name string
		fate Fate
		want []string
	}{
		{"nothing", Fate{}, []string{text}},
		{"lost", Fate{Lost: true}, nil},
		{"changed", Fate{Payload: []byte("y")}, []string{"y"}},
		{"again", Fate{Copies: []time.Duration{time.Second, 2 * time.Second}}, []string{text, text, text}},
		{"late", Fate{Delay: time.Second}, []string{text}},
	} {
		h := &heard{tally: tally{t: t}, node: 1}
		c := newCluster(t, Options{Nodes: 2, Seed: 1, Watch: h, Meddle: meddling(func(int, int, *core.Packet) Fate { return tt.fate })})
		h.c = c
		c.Start(0)
		c.Start(1)
		sent := c.Now()
		c.send(0, 1, &core.Packet{Payload: []byte(text)})
		c.Run(3 * time.Second)
		if got := h.payloads; len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] {
			t.Errorf("%s: %q arrived, want %q", tt.name, got, tt.want)
		}
		if len(h.at) > 0 && h.at[0]-sent < tt.fate.Delay {
			t.Errorf("%s: arrived after %v", tt.name, h.at[0]-sent)
		}
	}
}
