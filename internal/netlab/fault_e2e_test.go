//go:build e2e && linux

package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every test here that claims a loss uses order instead of a clock: frames of
// one host pass the switch in the order sent, so when a later frame to a third
// host has arrived, the switch has judged the earlier ones.

func TestEchoCrossesTheSwitch(t *testing.T) {
	kinds(t, 3, func(t *testing.T, lab *Lab) {
		for from := range 3 {
			to := lab.Host((from + 1) % 3)
			for _, addr := range []netip.Addr{to.Addr(), to.Addr6()} {
				if !addr.IsValid() {
					continue // a kernel without IPv6
				}
				conn := dial(t, lab.Host(from), serve(t, to, addr))
				for _, payload := range numbered("echo", 5) {
					conn.send(t, payload)
					if got := conn.receive(t); got != payload {
						t.Errorf("%d to %v: sent %q, received %q", from, addr, payload, got)
					}
				}
			}
		}
	})
}

func TestCutIsOneWay(t *testing.T) {
	kinds(t, 3, func(t *testing.T, lab *Lab) {
		a := serve(t, lab.Host(0), lab.Host(0).Addr())
		b := serve(t, lab.Host(1), lab.Host(1).Addr())
		c := serve(t, lab.Host(2), lab.Host(2).Addr())
		ab, ac, ba := dial(t, lab.Host(0), b), dial(t, lab.Host(0), c), dial(t, lab.Host(1), a)

		must(t, lab.Cut([]int{0}, []int{1}))
		ab.send(t, numbered("cut", 20)...)
		ac.send(t, "judged")
		c.until(t, "judged")
		ba.send(t, "back")
		if before := a.until(t, "back"); len(before) != 0 {
			t.Errorf("host 0 received %q", before)
		}
		must(t, lab.Heal())
		ab.send(t, "healed")
		if through := b.until(t, "healed"); len(through) != 0 {
			t.Errorf("%q crossed the cut", through)
		}
	})
}

func TestCutBothSplitsTheLab(t *testing.T) {
	kinds(t, 4, func(t *testing.T, lab *Lab) {
		groups := [][]int{{0, 1}, {2, 3}}
		partner := []int{1, 0, 3, 2}
		opposite := []int{2, 3, 0, 1}
		servers, across, beside := make([]*server, 4), make([]client, 4), make([]client, 4)
		for i := range 4 {
			servers[i] = serve(t, lab.Host(i), lab.Host(i).Addr())
		}
		for i := range 4 {
			across[i] = dial(t, lab.Host(i), servers[opposite[i]])
			beside[i] = dial(t, lab.Host(i), servers[partner[i]])
		}

		must(t, lab.CutBoth(groups[0], groups[1]))
		for i := range 4 {
			across[i].send(t, numbered("cut", 20)...)
			beside[i].send(t, "judged")
			if before := servers[partner[i]].until(t, "judged"); len(before) != 0 {
				t.Errorf("host %d received %q", partner[i], before)
			}
		}
		must(t, lab.Heal())
		for i := range 4 {
			across[i].send(t, "healed")
			if through := servers[opposite[i]].until(t, "healed"); len(through) != 0 {
				t.Errorf("%q crossed the cut from host %d", through, i)
			}
		}
	})
}

func TestFirstPacketAfterHealArrives(t *testing.T) {
	kinds(t, 2, func(t *testing.T, lab *Lab) {
		b := serve(t, lab.Host(1), lab.Host(1).Addr())
		for round := range 10 {
			must(t, lab.CutBoth([]int{0}, []int{1}), lab.Heal())
			// A socket that has never sent: its very first packet must arrive.
			conn := dial(t, lab.Host(0), b)
			mark := fmt.Sprintf("first after heal %d", round)
			conn.send(t, mark)
			if before := b.until(t, mark); len(before) != 0 {
				t.Errorf("round %d: received %q", round, before)
			}
			if got := conn.receive(t); got != mark {
				t.Errorf("round %d: echo %q", round, got)
			}
		}
		neighbours := func(host *Host) (report string) {
			must(t, host.Do(func() error {
				out, err := output("", "ip", "neigh", "show")
				report = string(out)
				return err
			}))
			return report
		}
		for i := range 2 {
			for line := range strings.Lines(neighbours(lab.Host(i))) {
				if !strings.Contains(line, "PERMANENT") {
					t.Errorf("host %d has learned %s", i, line)
				}
			}
		}
	})
}

func TestLossTakesItsShare(t *testing.T) {
	const batches, batch, percent = 10, 200, 20
	kinds(t, 2, func(t *testing.T, lab *Lab) {
		b := serve(t, lab.Host(1), lab.Host(1).Addr())
		conn := dial(t, lab.Host(0), b)
		must(t, lab.Loss(percent))
		arrived := make(map[string]bool)
		for i := range batches {
			// Sixty marks: all lost in one run of 10^42.
			mark := fmt.Sprintf("mark-%d", i)
			conn.send(t, numbered(fmt.Sprint("loss-", i), batch)...)
			conn.send(t, slices.Repeat([]string{mark}, 60)...)
			for _, line := range b.until(t, mark) {
				if strings.HasPrefix(line, "loss-") {
					arrived[line] = true
				}
			}
		}
		// 400 of 2,000 expected, standard deviation 18: bounds of 6 deviations.
		lost := batches*batch - len(arrived)
		t.Logf("lost %d of %d", lost, batches*batch)
		if lost < 292 || lost > 508 {
			t.Errorf("lost %d of %d at %d %%", lost, batches*batch, percent)
		}

		must(t, lab.Loss(0))
		clean := numbered("clean", 200)
		conn.send(t, append(clean, "end")...)
		got := slices.DeleteFunc(b.until(t, "end"), func(line string) bool {
			return !strings.HasPrefix(line, "clean-")
		})
		if !slices.Equal(got, clean) {
			t.Errorf("%d of %d arrived without loss", len(got), len(clean))
		}
	})
}

func TestDelayIsAtLeastAsConfigured(t *testing.T) {
	Require(t)
	const delay = 20 * time.Millisecond
	lab := tapLab(t, 2, Path{Delay: delay, Jitter: delay / 4})
	conn := dial(t, lab.Host(0), serve(t, lab.Host(1), lab.Host(1).Addr()))
	roundTrip := func() time.Duration {
		sent := time.Now()
		conn.send(t, "ping")
		conn.receive(t)
		return time.Since(sent)
	}
	for range 5 {
		if got := roundTrip(); got < 2*delay {
			t.Errorf("round trip %v with %v each way", got, delay)
		}
	}
	must(t, lab.SetPath(0, 1, Path{}), lab.SetPath(1, 0, Path{Delay: 3 * delay}))
	if got := roundTrip(); got < 3*delay {
		t.Errorf("round trip %v with %v on the way back", got, 3*delay)
	}
}

func TestDuplicatesArriveTwice(t *testing.T) {
	Require(t)
	lab := tapLab(t, 2, Path{})
	must(t, lab.SetPath(0, 1, Path{Duplicate: 100}))
	b := serve(t, lab.Host(1), lab.Host(1).Addr())
	dial(t, lab.Host(0), b).send(t, "once", "mark")
	if got := b.until(t, "mark"); !slices.Equal(got, []string{"once", "once"}) {
		t.Errorf("received %q", got)
	}
}

func TestSeedDecidesWhichFramesAreLost(t *testing.T) {
	Require(t)
	survivors := func() []string {
		lab := tapLab(t, 2, Path{Loss: 30})
		defer func() { must(t, lab.Close()) }()
		b := serve(t, lab.Host(1), lab.Host(1).Addr())
		conn := dial(t, lab.Host(0), b)
		conn.send(t, numbered("frame", 300)...)
		conn.send(t, slices.Repeat([]string{"mark"}, 60)...)
		return b.until(t, "mark")
	}
	if first, again := survivors(), survivors(); !slices.Equal(first, again) {
		t.Errorf("%d frames survived, then %d others", len(first), len(again))
	}
}

func TestBridgeHasNoPaths(t *testing.T) {
	Require(t)
	lab, err := New(t, 2)
	must(t, err)
	if err := lab.SetPath(0, 1, Path{}); !errors.Is(err, ErrBridge) {
		t.Errorf("%v, want ErrBridge", err)
	}
}
