package bakeoff

import (
	"fmt"
	"strings"
	"time"
)

// Cell is one setting of the comparison. Shares are between 0 and 1.
type Cell struct {
	Nodes int   // that run when the measured events are published
	Links Links // how long packets take
	Loss  float64
	Dead  float64 // share that died unnoticed before the measured events
	Stale float64 // share of pairs that are wrong: half a live member missing, half one that is gone
	Churn float64 // share of the nodes that crash, and as many that join, each second
	// Senders publish at the same instant; at least one.
	Senders int
	// Rate is how many events a second all senders publish together for a
	// time For; 0 for one event each.
	Rate int
	For  time.Duration
	// Size is the payload in bytes.
	Size    int
	Ordered bool
	// Cold leaves out the events before the measured ones: trees and estimates
	// of round trips are not there yet.
	Cold bool
	// Alone leaves out anti-entropy: no roots are compared.
	Alone bool
}

// Links says how long packets take one way.
type Links uint8

// The links. A constant delay has 2 % of jitter on top, drawn for each packet,
// so that nothing depends on ties.
const (
	LAN Links = iota // 0.5 ms
	Far              // 50 ms
	WAN              // log-normal, median 40 ms, σ 0.5, fixed per pair
)

var linkNames = [...]string{LAN: "0.5 ms", Far: "50 ms", WAN: "WAN"}

// String returns the name used in tables.
func (l Links) String() string { return linkNames[l] }

// String returns the cell's faults and load in words.
func (c *Cell) String() string {
	var words []string
	add := func(set bool, format string, args ...any) {
		if set {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(c.Loss > 0, "%g %% loss", c.Loss*100)
	add(c.Dead > 0, "%g %% dead", c.Dead*100)
	add(c.Stale > 0, "%g %% stale", c.Stale*100)
	add(c.Churn > 0, "%g %%/s churn", c.Churn*100)
	add(c.Senders > 1, "%d senders", c.Senders)
	add(c.Rate > 0, "%d/s for %v", c.Rate, c.For)
	add(c.Cold, "first event")
	add(c.Ordered, "ordered")
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

const (
	// cost is what the processor spends on each packet sent or received, one
	// after another: a sealed datagram over the loopback interface of a small
	// machine.
	cost = 20 * time.Microsecond
	// backlogMax is how many packets wait for the processor before more are
	// lost: about what a socket buffer of 208 KiB holds of small ones at their
	// kernel cost of 768 B each.
	backlogMax = 256
	// overhead is what a datagram has around its plaintext: 28 B of IPv4 and UDP,
	// 40 B of seal.
	overhead = 68
	// payloadMax is the plaintext of a datagram (core.PayloadMaxDefault).
	payloadMax = 1056
	// probePeriod is how often a node probes a random member, and with that
	// compares roots (the LAN's).
	probePeriod = time.Second

	// begin is when the measured events start, the nodes having run and, unless
	// Cold, having seen warmups events from each sender.
	begin     = 5 * time.Second
	warmFrom  = 2 * time.Second
	warmEvery = 500 * time.Millisecond
	warmups   = 3
	// diesAt is when those die of whom nobody notices.
	diesAt = begin - 100*time.Millisecond
	// settle is how long a run goes on after the last event.
	settle = 10 * time.Second
	// Views that differ become one within so long after the first event, each
	// node's at once, as after an anti-entropy exchange of members.
	healFrom, healSpread = time.Second, 2 * time.Second
	// A crash is noticed after a probe and a suspicion; news of it and of joins
	// need the spread of a rumor.
	noticed, newsSpread = 3 * time.Second, time.Second
	// Churn begins so long before the measured events.
	churnBefore = 2 * time.Second
)

// end is when a run is over.
func (c *Cell) end() time.Duration { return begin + c.For + settle }
