package seal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"pgregory.net/rapid"
)

// letter is a packet under way, with what it carries.
type letter struct {
	from, to int
	text     string
	packet   []byte
}

// post is a network of boxes that loses, reorders and repeats, whose nodes
// restart, renew and fall silent.
type post struct {
	boxes  []*Box
	lives  []int
	now    member.Time
	flying []letter
	sent   int
	opened map[string]int // How often each text came out, within a life of its receiver.
}

func (p *post) boot(t *rapid.T, i int) {
	p.lives[i]++
	b, err := NewBox(Config{
		Identity: testIdentity(byte(i)), Ring: DevRing("test"),
		Epoch: member.Epoch(p.lives[i]), Rand: dice(byte(i*50 + p.lives[i])),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.boxes[i] = b
}

func (p *post) send(t *rapid.T, from, to int, bare bool) {
	p.sent++
	text := fmt.Sprint("text ", p.sent)
	var id member.NodeID
	if !bare {
		id = p.boxes[to].identity.ID()
	}
	packet, err := p.boxes[from].Seal(nil, p.now, id, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p.flying = append(p.flying, letter{from, to, text, packet})
}

// deliver opens a letter; what comes out must be what was put in, once.
func (p *post) deliver(t *rapid.T, l letter) error {
	b := p.boxes[l.to]
	payload, peer, err := b.Open(nil, p.now, origin, l.packet)
	switch {
	case errors.Is(err, SessionUnproven):
		if request, ok := b.ClaimWanted(nil, p.now, l.packet); ok {
			if len(request) > len(l.packet) {
				t.Fatalf("request of %d bytes answers %d", len(request), len(l.packet))
			}
			p.flying = append(p.flying, letter{l.to, l.from, "", request})
		}
	case err != nil:
		if why, ok := ReasonOf(err); !ok || why != Replay && why != AuthFail && why != WrongReceiver {
			t.Fatalf("an honest packet is refused: %v", err)
		}
	case peer == Peer{}:
		if l.text != "" {
			t.Fatalf("%q taken for a request", l.text)
		}
	default:
		key := fmt.Sprint(l.to, p.lives[l.to], l.text)
		p.opened[key]++
		if string(payload) != l.text || peer.ID != testIdentity(byte(l.from)).ID() || p.opened[key] > 1 {
			t.Fatalf("%q from node %d came out as %q from %v, time %d", l.text, l.from, payload, peer, p.opened[key])
		}
	}
	return err
}

func TestBoxesAgreeThroughLossReorderingAndRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "nodes")
		p := &post{boxes: make([]*Box, n), lives: make([]int, n), opened: map[string]int{}}
		for i := range n {
			p.boot(t, i)
		}
		node := rapid.IntRange(0, n-1)
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				from, to := node.Draw(t, "from"), node.Draw(t, "to")
				if from != to {
					p.send(t, from, to, rapid.IntRange(0, 9).Draw(t, "bare") == 0)
				}
			},
			"deliver": func(t *rapid.T) {
				if len(p.flying) == 0 {
					return
				}
				i := rapid.IntRange(0, len(p.flying)-1).Draw(t, "which")
				l := p.flying[i]
				if rapid.IntRange(0, 3).Draw(t, "repeat") > 0 {
					p.flying = append(p.flying[:i], p.flying[i+1:]...)
				}
				_ = p.deliver(t, l)
			},
			"lose": func(t *rapid.T) {
				if len(p.flying) > 0 {
					p.flying = p.flying[1:]
				}
			},
			"restart": func(t *rapid.T) { p.boot(t, node.Draw(t, "node")) },
			"renew":   func(t *rapid.T) { p.boxes[node.Draw(t, "node")].Renew() },
			"wait": func(t *rapid.T) {
				p.now = p.now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "seconds")) * time.Second)
			},
		})
		p.flying = nil
		p.mustRecover(t)
	})
}

// mustRecover: whatever happened, with no more loss any two nodes understand
// each other at the second try, the first at worst causing a request.
func (p *post) mustRecover(t *rapid.T) {
	p.now = p.now.Add(time.Second)
	for from := range p.boxes {
		for to := range p.boxes {
			if from == to {
				continue
			}
			p.send(t, from, to, false)
			for len(p.flying) > 0 {
				l := p.flying[0]
				p.flying = p.flying[1:]
				_ = p.deliver(t, l)
			}
			p.send(t, from, to, false)
			if err := p.deliver(t, p.flying[0]); err != nil {
				t.Fatalf("node %d does not understand node %d: %v", to, from, err)
			}
			p.flying = nil
		}
	}
}
