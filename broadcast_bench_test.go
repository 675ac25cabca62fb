package hearsay

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sockets starts nodes on real sockets of this machine and waits until each
// knows all.
func sockets(t testing.TB, size int, change ...func(*Config)) []*Node {
	t.Helper()
	var nodes []*Node
	for i := range size {
		n := loopback(t, i, change...)
		nodes = append(nodes, n)
		if i > 0 {
			if _, err := n.Join(limited(t), nodes[0].Self().Addr.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range nodes {
		awaitMembers(t, n, size)
	}
	return nodes
}

// awaitMembers waits until a node knows as many live members.
func awaitMembers(t testing.TB, n *Node, size int) {
	t.Helper()
	events := n.Events(limited(t))
	if n.Stats().Alive == size {
		return
	}
	for range events {
		if n.Stats().Alive == size {
			return
		}
	}
	t.Fatalf("%s knows %d of %d", n.Self().Name, n.Stats().Alive, size)
}

// publisher broadcasts as fast as it is let.
type publisher struct {
	node    *Node
	pending []*Receipt
	refused int
}

// publish sends one message; when too many are on their way it waits for the
// oldest of which there may be news.
func (p *publisher) publish(t testing.TB, m Message) {
	for {
		r, err := p.node.Broadcast(t.Context(), m)
		switch {
		case err == nil:
			p.pending = append(p.pending, r)
			return
		case errors.Is(err, ErrBackpressure):
			p.refused++
			for len(p.pending) > 0 && p.pending[0].Progress().Done {
				p.pending = p.pending[1:]
			}
			if len(p.pending) > 0 {
				<-p.pending[0].Done()
			}
		default:
			t.Fatal(err)
		}
	}
}

// BenchmarkBroadcast has one of 16 nodes tell messages to all, as fast as it is
// let, until every node has every message.
func BenchmarkBroadcast(b *testing.B) {
	for _, size := range []int{64, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) { benchmarkBroadcast(b, 16, size) })
	}
}

func benchmarkBroadcast(b *testing.B, nodes, size int) {
	all := sockets(b, nodes)
	var got sync.WaitGroup
	var lost atomic.Int64
	for _, n := range all {
		messages := n.Messages(b.Context())
		got.Go(func() {
			seen := 0
			for m := range messages {
				lost.Add(int64(m.Lagged + m.Missed))
				if seen += max(1, m.Lagged+m.Missed); seen == b.N {
					return
				}
			}
		})
	}
	p := publisher{node: all[0]}
	payload := make([]byte, size)
	before := all[0].Stats()
	begun := time.Now()
	b.ResetTimer()
	for range b.N {
		p.publish(b, Message{Topic: "bench", Payload: payload})
	}
	got.Wait()
	b.StopTimer()
	took := time.Since(begun)
	after := all[0].Stats()
	b.ReportMetric(float64(b.N)/took.Seconds(), "events/s")
	b.ReportMetric(float64(after.DatagramsSent-before.DatagramsSent)/float64(b.N), "datagrams/op")
	b.ReportMetric(float64(lost.Load()), "lost")
	b.ReportMetric(float64(p.refused), "refused")
}
