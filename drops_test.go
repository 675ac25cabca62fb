package hearsay

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
)

func TestEveryReasonIsListedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		seen := map[string]bool{}
		for _, d := range n.Stats().Drops {
			if d.Reason == "" || seen[d.Reason] {
				t.Errorf("reason %q is listed twice or empty", d.Reason)
			}
			seen[d.Reason] = true
		}
		for _, r := range seal.Reasons() {
			if !seen[r.String()] {
				t.Errorf("reason %s is missing", r)
			}
		}
		for reason := range ordinary {
			if !seen[reason] {
				t.Errorf("%q is called ordinary and does not exist", reason)
			}
		}
	})
}

func TestDropsAreCountedAndWarnedOfNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		logs := &recorder{}
		n := v.start(1, func(c *Config) { c.Seeds, c.Logger = nil, logs.logger() })
		stranger, err := v.network.Listen(addrOf(9))
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		const packets = 500 // in 25 seconds
		for range packets {
			if err := stranger.Send(addrOf(1), []byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * dropWarning)
		synctest.Wait()
		reason := ""
		for _, d := range n.Stats().Drops {
			if d.Count > 0 {
				reason = d.Reason
				if d.Count != packets {
					t.Errorf("%d drops for %s, want %d", d.Count, d.Reason, packets)
				}
			}
		}
		var warned uint64
		var last time.Time
		for _, line := range logs.all("dropped") {
			if line["reason"] != reason {
				t.Errorf("warned of %v, want %s", line["reason"], reason)
			}
			at := line["time"].(time.Time)
			if since := at.Sub(last); since < dropWarning {
				t.Errorf("warned again after %v", since)
			}
			last = at
			warned += line["count"].(uint64)
		}
		if warned != packets {
			t.Errorf("warned of %d drops, want %d", warned, packets)
		}
	})
}

func TestHistogramHoldsEveryObservation(t *testing.T) {
	var h Histogram
	h.observe(50 * time.Microsecond)
	h.observe(100 * time.Microsecond)
	h.observe(time.Second)
	h.observe(time.Minute)
	if h.Counts[0] != 2 || h.Counts[12] != 1 || h.Counts[len(ProbeRTTBounds)] != 1 || h.Count != 4 {
		t.Errorf("counts %v", h.Counts)
	}
	if h.Sum != 61*time.Second+150*time.Microsecond {
		t.Errorf("sum %v", h.Sum)
	}
}

// refusing is a transport that takes no datagram.
type refusing struct {
	transport.Transport
	why error
}

func (r refusing) Send(netip.AddrPort, []byte) error { return r.why }

func TestDatagramsThatAreNotTakenAreCounted(t *testing.T) {
	for reason, why := range map[string]error{
		"send_queue_full": transport.ErrQueueFull,
		"send_error":      net.ErrClosed,
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(t)
				v.start(1)
				tr, err := v.network.Listen(addrOf(2))
				if err != nil {
					t.Fatal(err)
				}
				n := v.start(2, func(c *Config) { c.Transport = refusing{tr, why} })
				time.Sleep(5 * time.Second) // the join goes by stream, the probes do not
				synctest.Wait()
				if got := dropped(t, n, reason); got == 0 {
					t.Errorf("%s is not counted", reason)
				}
				if got := n.Stats().DatagramsSent; got != 0 {
					t.Errorf("%d datagrams sent", got)
				}
			})
		})
	}
}
