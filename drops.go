package hearsay

import (
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
)

// Drop is how often something was dropped for a reason. Reasons are a fixed set
// of words, fit to be a metric's label.
type Drop struct {
	Reason string
	Count  uint64
}

// dropReason is why this package itself dropped something.
type dropReason uint8

const (
	dropSeal        dropReason = iota // a datagram could not be sealed
	dropSend                          // the system refused a datagram
	dropSendQueue                     // the peer or the system takes datagrams too slowly
	dropStreamDial                    // frames for a peer that no stream reaches
	dropStreamLost                    // frames under way on a stream that broke
	dropStreamQueue                   // frames beyond what may wait for a peer
	dropStreamLimit                   // frames or streams beyond the number of streams
	dropFrame                         // a frame of impossible length
	dropQuestion                      // questions that a handler did not get round to
	dropEnd
)

var dropNames = [dropEnd]string{
	dropSeal: "seal_error", dropSend: "send_error", dropSendQueue: "send_queue_full",
	dropStreamDial: "stream_unreachable", dropStreamLost: "stream_lost", dropStreamQueue: "stream_queue_full",
	dropStreamLimit: "stream_limit", dropFrame: "bad_frame", dropQuestion: "question_queue_full",
}

// sealReasons is one more than the last reason of package seal.
var sealReasons = len(seal.Reasons()) + 1

// drops counts; all methods are safe from any goroutine.
type drops struct {
	own  [dropEnd]atomic.Uint64
	seal []atomic.Uint64 // by seal.Reason
}

func newDrops() drops { return drops{seal: make([]atomic.Uint64, sealReasons)} }

func (d *drops) add(r dropReason)                { d.own[r].Add(1) }
func (d *drops) addSome(r dropReason, count int) { d.own[r].Add(uint64(count)) }

// refused counts an error of package seal by its reason. It reports false for
// an error that has none.
func (d *drops) refused(err error) bool {
	why, ok := seal.ReasonOf(err)
	if ok {
		d.seal[why].Add(1)
	}
	return ok
}

// appendDrops appends every reason there is, each once, in a fixed order. One
// reason may come from several layers.
func (n *Node) appendDrops(all []Drop, m *core.Machine) []Drop {
	add := func(reason string, count uint64) {
		for i := range all {
			if all[i].Reason == reason {
				all[i].Count += count
				return
			}
		}
		all = append(all, Drop{reason, count})
	}
	for why := 1; why < sealReasons; why++ {
		add(seal.Reason(why).String(), n.drops.seal[why].Load())
	}
	m.Drops(add)
	add("event_missed", m.Broadcasts().Missed)
	for i, name := range dropNames {
		add(name, n.drops.own[i].Load())
	}
	if t, ok := n.transport.(transport.Counting); ok {
		s := t.Stats()
		add("oversize", s.Oversize)
		add("empty", s.Empty)
		add("receive_overflow", s.Overflow)
		add("send_lost", s.Lost)
		add("refused", s.Refused)
	}
	return all
}

// ordinary are reasons that come with restarts, retries and rumors that cross:
// they say nothing about the state of the cluster.
var ordinary = map[string]bool{
	"replay": true, "session_unproven": true, "unknown_subject": true, "unproven": true,
	"not_member": true, "unknown_owner": true, "wrong_receiver": true,
	"event_unknown_origin": true, "event_other_life": true, "event_baseline": true, "event_pull": true,
}

// dropWatch warns of drops, at most once in dropWarning for each reason.
type dropWatch struct {
	checked core.Time
	all     []Drop // reused
	seen    map[string]uint64
	warned  map[string]core.Time
}

const (
	// dropCheck is how often the counters are looked at: a warning that comes so
	// much later is as good, and an idle node has little else to do.
	dropCheck = 5 * time.Second
	// dropWarning is the least time between two warnings of one reason: often
	// enough to see a trouble begin and end, too seldom to fill a disk.
	dropWarning = 10 * time.Second
)

func (d *driver) watchDrops(now core.Time) {
	w := &d.dropWatch
	if now.Sub(w.checked) < dropCheck {
		return
	}
	w.checked = now
	w.all = d.node.appendDrops(w.all[:0], d.machine)
	for _, drop := range w.all {
		count := drop.Count - w.seen[drop.Reason]
		last, before := w.warned[drop.Reason]
		if count == 0 || before && now.Sub(last) < dropWarning {
			continue
		}
		if w.seen == nil {
			w.seen, w.warned = make(map[string]uint64), make(map[string]core.Time)
		}
		w.seen[drop.Reason], w.warned[drop.Reason] = drop.Count, now
		d.log.dropped(drop.Reason, count)
	}
}
