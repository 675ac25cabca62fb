package main

import (
	"errors"
	"math"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/core"
)

// What becomes of a packet depends on the seed, its link and its number there,
// and on nothing that other links carry.
func TestFatesBelongToLinks(t *testing.T) {
	type outcome struct {
		at   time.Duration
		lost bool
	}
	fates := func(seed uint64, disturb bool) []outcome {
		n := newNetwork(seed, 4)
		n.setLoss(0.3)
		var list []outcome
		for range 1000 {
			if disturb {
				n.packet(0, 1, 0)
				n.packet(2, 1, 0)
				n.dial(1, 2)
			}
			at, lost := n.packet(1, 2, 0)
			list = append(list, outcome{at, lost})
		}
		return list
	}
	quiet := fates(7, false)
	if !slices.Equal(quiet, fates(7, true)) {
		t.Error("traffic on other links changed the fates on this one")
	}
	if slices.Equal(quiet, fates(8, false)) {
		t.Error("two seeds give the same fates")
	}
	lost, sum := 0, time.Duration(0)
	for _, o := range quiet {
		if o.at < latencyMin || o.at >= latencyMax {
			t.Fatalf("latency %v", o.at)
		}
		if sum += o.at; o.lost {
			lost++
		}
	}
	// Five standard deviations.
	if math.Abs(float64(lost)-300) > 75 {
		t.Errorf("%d of 1000 lost, want about 300", lost)
	}
	if mean := sum / 1000; mean < 470*time.Microsecond || mean > 530*time.Microsecond {
		t.Errorf("mean latency %v, want about 500µs", mean)
	}
}

func TestADialNeedsSixPackets(t *testing.T) {
	for _, c := range []struct {
		set  func(*network)
		want float64
	}{
		{func(n *network) { n.setLoss(0.1) }, math.Pow(0.9, 6)},
		{func(n *network) { n.setEgress([]int{0}, 0.2) }, math.Pow(0.8, 3)},
		{func(n *network) { n.setIngress([]int{0}, 0.2) }, math.Pow(0.8, 3)},
		{func(n *network) { n.setIngress([]int{1}, 1) }, 0},
		{func(n *network) { n.setSide([]int{1}, true) }, 0},
		{func(n *network) { n.setDown(0, true) }, 0},
		{func(*network) {}, 1},
	} {
		n := newNetwork(1, 2)
		c.set(n)
		const tries = 10_000
		opened := 0
		for range tries {
			if _, ok := n.dial(0, 1); ok {
				opened++
			}
		}
		sigma := math.Sqrt(c.want * (1 - c.want) / tries)
		if got := float64(opened) / tries; math.Abs(got-c.want) > 5*sigma {
			t.Errorf("%v opened, want %v", got, c.want)
		}
	}
}

// The simulator's packets and those of memberlist's transport have the same
// luck, packet by packet.
func TestBothSystemsMeetTheSameNetwork(t *testing.T) {
	const packets = 200
	setUp := func() *network {
		n := newNetwork(11, 3)
		n.setLoss(0.2)
		n.setEgress([]int{1}, 0.3)
		return n
	}
	never := time.Duration(-1)
	var theirs, ours []time.Duration
	synctest.Test(t, func(t *testing.T) {
		c := newMemberlists(setUp(), newJournal(3), false)
		from, to := newEndpoint(c, 1), newEndpoint(c, 2)
		c.ends[1], c.ends[2] = from, to
		for range packets {
			sent := c.Now()
			if _, err := from.WriteToAddress([]byte{1}, memberlist.Address{Addr: c.places[2].addr}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
			select {
			case p := <-to.packets:
				theirs = append(theirs, p.Timestamp.Sub(c.start)-sent)
			default:
				theirs = append(theirs, never)
			}
		}
	})
	c, err := newSimulated(setUp(), newJournal(3))
	if err != nil {
		t.Fatal(err)
	}
	for range packets {
		f := c.Meddle(1, 2, &core.Packet{Lane: core.Datagram})
		if f.Lost {
			f.Delay = never
		}
		ours = append(ours, f.Delay)
	}
	if !slices.Equal(ours, theirs) {
		t.Errorf("delays differ:\n%v\n%v", ours, theirs)
	}
	if !slices.Contains(ours, never) {
		t.Error("nothing was lost")
	}
}

// bubble calls f with two endpoints in virtual time.
func bubble(t *testing.T, f func(t *testing.T, c *memberlists, one, two *endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newMemberlists(newNetwork(1, 2), newJournal(2), false)
		c.ends[0], c.ends[1] = newEndpoint(c, 0), newEndpoint(c, 1)
		f(t, c, c.ends[0], c.ends[1])
	})
}

func TestAHeldNodeSendsAndReceivesWhenReleased(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, one, two *endpoint) {
		c.Hold([]int{0}, 10*time.Second)
		there := memberlist.Address{Addr: c.places[0].addr}
		if _, err := two.WriteToAddress([]byte("in"), there); err != nil || c.Now() != 0 {
			t.Errorf("the other waits, too: %v, %v", c.Now(), err)
		}
		conn, err := two.DialAddressTimeout(there, time.Second)
		if err != nil || c.Now() > 2*latencyMax {
			t.Fatalf("the kernel of a held host does not answer: %v, %v", c.Now(), err)
		}
		defer conn.Close()
		time.Sleep(5 * time.Second)
		if len(one.packets)+len(one.streams) != 0 {
			t.Error("a held node received something")
		}
		if _, err := one.WriteToAddress([]byte("out"), memberlist.Address{Addr: c.places[1].addr}); err != nil {
			t.Fatal(err)
		}
		if got := c.Now(); got != 10*time.Second {
			t.Errorf("the sender went on after %v, want 10s", got)
		}
		time.Sleep(time.Millisecond)
		if len(one.packets) != 1 || len(one.streams) != 1 || len(two.packets) != 1 {
			t.Errorf("after the release: %d, %d and %d", len(one.packets), len(one.streams), len(two.packets))
		}
	})
}

// The simulated node freezes at its first send in a hold, and what it sent in
// that step leaves at the release.
func TestAHeldNodeOfHearsayFreezesAtItsFirstSend(t *testing.T) {
	c, err := newSimulated(newNetwork(1, 2), newJournal(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Start(0), c.Start(1, 0)); err != nil {
		t.Fatal(err)
	}
	c.Run(5 * time.Second)
	c.Hold([]int{1}, 10*time.Second)
	if c.cluster.Paused(1) {
		t.Error("frozen before it sent anything")
	}
	c.Run(5 * time.Second) // it probes every second
	if !c.cluster.Paused(1) {
		t.Error("not frozen")
	}
	if f := c.Meddle(1, 0, &core.Packet{}); f.Delay < 5*time.Second+latencyMin || f.Delay > 5*time.Second+latencyMax {
		t.Errorf("leaves after %v", f.Delay)
	}
	c.Run(5 * time.Second)
	if c.cluster.Paused(1) {
		t.Error("still frozen after the release")
	}
}

func TestADeadHostCostsTheWholeTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, one, _ *endpoint) {
		c.net.setDown(1, true)
		_, err := one.DialAddressTimeout(memberlist.Address{Addr: c.places[1].addr}, 3*time.Second)
		var op *net.OpError
		if c.Now() != 3*time.Second || !errors.As(err, &op) || op.Op != "dial" || op.Net != "tcp" || !op.Timeout() {
			t.Errorf("after %v: %v", c.Now(), err)
		}
		if _, err := one.DialTimeout("10.9.9.9:1", time.Second); !errors.Is(err, errNobody) {
			t.Errorf("dial of nobody: %v", err)
		}
		if _, err := one.WriteTo([]byte("x"), "10.9.9.9:1"); !errors.Is(err, errNobody) {
			t.Errorf("write to nobody: %v", err)
		}
	})
}

// A node that was stopped, and runs again, is not spoken for by its past.
func TestAPastLifeIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, one, two *endpoint) {
		past := one
		c.ends[0] = newEndpoint(c, 0)
		if _, err := past.WriteToAddress([]byte("x"), memberlist.Address{Addr: c.places[1].addr}); err != nil {
			t.Error(err)
		}
		watcher{past}.NotifyLeave(&memberlist.Node{Name: c.places[1].name})
		time.Sleep(time.Second)
		if len(two.packets) != 0 || c.Sent() != (traffic{}) || len(c.journal.since(0)) != 0 {
			t.Error("a past life was heard")
		}
	})
}

func TestAnOverflowVoidsTheMeasurement(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, one, _ *endpoint) {
		for range packetQueue + 1 {
			if _, err := one.WriteToAddress([]byte("x"), memberlist.Address{Addr: c.places[1].addr}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if err := c.Close(); !errors.Is(err, errOverflow) {
			t.Errorf("error %v", err)
		}
	})
}
