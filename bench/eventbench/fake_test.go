package main

import (
	"context"
	"sync"
	"time"
)

// fake is a cluster without nodes: what happens to a message is a function of
// it. Between sends it idles at a fixed rate.
type fake struct {
	readyAfter time.Duration
	startErr   error
	closeErr   error

	delay   func(rank int) time.Duration           // until the node that many after the origin has it; nil: rank ms
	fate    func(message int) (copies, misses int) // copies each node gets; the last so many nodes get none; nil: 1, 0
	accept  func(message int) error                // nil: everything
	held    time.Duration                          // how long Publish takes
	service time.Duration                          // how long the one queue takes for a message; 0: no queue
	spoil   bool                                   // change the last byte on the way

	nodes     int
	deliver   deliver
	start     time.Time
	closed    int
	published []time.Duration // after Start
	free      time.Time       // when the queue has worked off all before

	mu     sync.Mutex
	copies uint64
}

// What a fake sends.
const (
	fakeIdleBytes = 1000 // a node and second
	fakePacket    = 100  // bytes for each copy
)

func (f *fake) Start(_ context.Context, nodes int, d deliver) error {
	f.nodes, f.deliver, f.start = nodes, d, time.Now()
	return f.startErr
}

func (f *fake) Ready() bool { return time.Since(f.start) >= f.readyAfter }

func (f *fake) Publish(ctx context.Context, node int, payload []byte) error {
	index := len(f.published)
	f.published = append(f.published, time.Since(f.start))
	if err := sleep(ctx, f.held); err != nil {
		return err
	}
	if f.accept != nil {
		if err := f.accept(index); err != nil {
			return err
		}
	}
	copies, misses := 1, 0
	if f.fate != nil {
		copies, misses = f.fate(index)
	}
	payload = append([]byte(nil), payload...)
	if f.spoil {
		payload[len(payload)-1] ^= 1
	}
	queued := f.queue()
	f.deliver(node, payload) // its own
	for rank := 1; rank < f.nodes-misses; rank++ {
		delay := queued + time.Duration(rank)*time.Millisecond
		if f.delay != nil {
			delay = queued + f.delay(rank)
		}
		to := (node + rank) % f.nodes
		time.AfterFunc(delay, func() {
			for range copies {
				f.mu.Lock()
				f.copies++
				f.mu.Unlock()
				f.deliver(to, payload)
			}
		})
	}
	return nil
}

// queue returns how long the message at hand waits for those before it.
func (f *fake) queue() time.Duration {
	now := time.Now()
	if f.free.Before(now) {
		f.free = now
	}
	f.free = f.free.Add(f.service)
	return f.free.Sub(now)
}

func (f *fake) Sent() sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	idle := uint64(time.Since(f.start).Milliseconds()) * uint64(f.nodes) * fakeIdleBytes / 1000
	return sent{Packets: f.copies, Bytes: f.copies * fakePacket, StreamBytes: idle, Copies: f.copies}
}

func (f *fake) Close() error {
	f.closed++
	return f.closeErr
}

// Turns for a fake. A pause of 0 keeps times round.
var (
	latencyTurn = turn{
		Workload: workLatency, Nodes: 11, Size: 64, Run: 1, Ready: time.Minute, Settle: time.Second, Timeout: 10 * time.Second,
		Broadcasts: 4, Idle: 2 * time.Second, Drain: time.Second,
	}
	rateTurn = turn{
		Workload: workRate, Nodes: 4, Size: 64, Run: 1, Ready: time.Minute, Timeout: 10 * time.Second,
		Rates: []int{100, 300, 1000, 2000}, Hold: 5 * time.Second, P99: time.Second,
	}
	lossTurn = turn{
		Workload: workLoss, Nodes: 4, Size: 64, Run: 1, Ready: time.Minute, Timeout: 10 * time.Second,
		Broadcasts: 50, Rates: []int{100},
	}
)
