package swim

import (
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// stage is how far a probe has gone. Each stage waits one timeout, the last
// until the period ends.
type stage uint8

const (
	idle     stage = iota
	direct         // first ping sent
	repeated       // second ping sent: one lost packet accuses nobody
	indirect       // helpers asked, and a ping on a stream beside them
	answered       // heard of the target; waits for the period to end
)

// probe is the one probe under way.
type probe struct {
	stage  stage
	target *entry
	seq    wire.Seq
	sent   member.Time // of the first ping
	next   member.Time // when the stage times out
	ends   member.Time
	asked  int  // helpers
	nacks  int  // of them, heard from
	late   bool // a timer fired so late that the fault may be ours
}

func (p *probe) waiting() bool { return p.stage != idle && p.stage != answered }

// tickProbe moves the probe under way on, and starts the next one when the
// period is over (SWIM section 3.1; the second direct ping is ours).
func (m *Machine) tickProbe(now member.Time) {
	p := &m.probe
	if p.waiting() && now >= p.next {
		p.late = p.late || m.overdue(now, p.next)
		switch p.stage {
		case direct:
			p.stage, p.next = repeated, now.Add(m.timeout())
			m.sendPing(p.target, p.seq, effect.Datagram)
		case repeated:
			// Late timers must not eat the helpers' time.
			p.stage, p.next = indirect, max(p.ends, now.Add(2*m.timeout()))
			if !p.late { // else nobody is accused, whatever comes of it
				m.askHelpers(now)
				m.sendPing(p.target, p.seq, effect.Stream)
			}
		case indirect:
			m.probeFailed(now)
		}
	}
	if now >= m.nextProbe && !p.waiting() {
		m.startProbe(now)
	}
}

func (m *Machine) startProbe(now member.Time) {
	ends := now.Add(m.period())
	m.nextProbe = ends
	m.probe = probe{}
	target := m.nextTarget()
	if target == nil {
		return
	}
	m.probe = probe{stage: direct, target: target, seq: m.nextSeq(), sent: now, next: now.Add(m.timeout()), ends: ends}
	m.sendPing(target, m.probe.seq, effect.Datagram)
}

// nextTarget walks the members in a random order that is drawn anew for each
// round, so that everybody is probed once a round (SWIM section 4.3).
func (m *Machine) nextTarget() *entry {
	for range 2 {
		for m.ringNext < len(m.ring) {
			e := m.ring[m.ringNext]
			m.ringNext++
			if !e.claim.State.Gone() && e != m.self {
				return e
			}
		}
		m.ring, m.ringNext = append(m.ring[:0], m.table.entries...), 0
		draw.Shuffle(m.cfg.Rand, m.ring)
	}
	return nil
}

// sendPing pings a member. A suspect is told first what it is accused of, so
// that it can refute at once (Lifeguard's buddy system, section IV-C).
func (m *Machine) sendPing(e *entry, seq wire.Seq, lane effect.Lane) {
	m.cfg.Out.Open(e.id, e.addr(), lane)
	if e.claim.State == member.Suspect {
		m.accuse = wire.Accuse{Subject: e.id, Claim: e.claim, Accuser: e.by}
		m.cfg.Out.Add(&m.accuse)
	}
	m.ping = wire.Ping{Seq: seq, Root: m.cfg.Root()}
	m.cfg.Out.Add(&m.ping)
}

// askHelpers asks random live members to probe the target for us (SWIM section
// 3.1), and tells them how long an answer is of use.
func (m *Machine) askHelpers(now member.Time) {
	p := &m.probe
	m.eachRandom(m.cfg.Timing.Helpers, func(e *entry) bool {
		return e != p.target && e.claim.State == member.Alive
	}, func(e *entry) {
		m.pingReq = wire.PingReq{Seq: p.seq, Target: p.target.id, Addr: p.target.addr(), Budget: p.next.Sub(now)}
		m.cfg.Out.Open(e.id, e.addr(), effect.Datagram)
		m.cfg.Out.Add(&m.pingReq)
		p.asked++
	})
}

// eachRandom calls visit for up to k distinct random members for which accept
// returns true, never this node: fewer only if there are no more. Where most are
// not acceptable (a table of the gone), draws would not find the few that are,
// so after a number of them it walks.
func (m *Machine) eachRandom(k int, accept func(*entry) bool, visit func(*entry)) {
	all := m.table.entries
	m.drawPass++
	if len(all)-1 <= 2*k {
		m.walkRandom(k, accept, visit)
		return
	}
	for tries := 4*k + 16; k > 0 && tries > 0; tries-- {
		e := all[1+draw.Below(m.cfg.Rand, len(all)-1)]
		if e.drawn != m.drawPass && accept(e) {
			e.drawn = m.drawPass
			visit(e)
			k--
		}
	}
	if k > 0 {
		m.walkRandom(k, accept, visit)
	}
}

// walkRandom visits members not yet drawn in this pass, from a random place on.
func (m *Machine) walkRandom(k int, accept func(*entry) bool, visit func(*entry)) {
	all := m.table.entries
	start := draw.Below(m.cfg.Rand, len(all))
	for i := range all {
		if k == 0 {
			return
		}
		if e := all[(start+i)%len(all)]; e != m.self && e.drawn != m.drawPass && accept(e) {
			visit(e)
			k--
		}
	}
}

// Contact is where a member can be reached.
type Contact struct {
	ID   member.NodeID
	Addr netip.AddrPort
}

// Contacts appends up to k distinct random members that are not gone.
func (m *Machine) Contacts(dst []Contact, k int) []Contact {
	m.eachRandom(k, func(e *entry) bool { return !e.claim.State.Gone() }, func(e *entry) {
		dst = append(dst, Contact{e.id, e.addr()})
	})
	return dst
}

// probeFailed ends a probe of which nothing was heard: the target is suspect,
// and the missing nacks say how far it may be our own fault (Lifeguard section
// IV-A).
func (m *Machine) probeFailed(now member.Time) {
	p := m.probe
	m.probe.stage = answered
	missing := 1
	if p.asked > 0 {
		missing = p.asked - p.nacks
	}
	m.adjustHealth(missing)
	if p.target.claim.State.Gone() {
		return
	}
	m.cfg.Out.Report(effect.Event{Kind: effect.ProbeFailed, ID: p.target.id, Name: p.target.name, Claim: p.target.claim})
	if !p.late {
		m.suspect(now, p.target, m.self.id)
	}
}

// overdue reports whether a timer fires so late that this node, not the network,
// is slow: then an answer may be waiting to be read, and silence proves nothing.
func (m *Machine) overdue(now, due member.Time) bool {
	return now.Sub(due) >= m.cfg.Timing.ProbeTimeout
}

// Settle puts off the first probe of a node that has just joined: a cluster that
// starts at once is busy with itself for a moment.
func (m *Machine) Settle(now member.Time) {
	p := m.cfg.Timing.ProbePeriod
	m.nextProbe = max(m.nextProbe, now.Add(p+draw.Within(m.cfg.Rand, p)))
}

// Heard tells the machine that an authentic payload came from a member itself:
// better proof of life than any ack. It comes before the payload's messages.
func (m *Machine) Heard(id member.NodeID) {
	m.hearsay = wire.Accuse{}
	if m.probe.waiting() && m.probe.target.id == id {
		m.probeSucceeded()
	}
}

func (m *Machine) probeSucceeded() {
	m.probe.stage = answered
	m.adjustHealth(-1)
}

// OnPing answers a ping. Whoever is not known yet is asked for its record and
// told ours.
func (m *Machine) OnPing(from effect.Peer, p *wire.Ping) {
	m.ack = wire.Ack{Seq: p.Seq, Root: m.cfg.Root()}
	m.cfg.Out.Open(from.ID, from.Addr, from.Lane)
	m.cfg.Out.Add(&m.ack)
	if _, known := m.table.index[from.ID]; !known {
		m.cfg.Out.AddBody(wire.TypeRecord, m.self.body)
		m.want = wire.Want{ID: from.ID, Record: true}
		m.cfg.Out.Add(&m.want)
	}
}

// OnAck takes the answer to our own ping, or passes one on that we relay.
func (m *Machine) OnAck(now member.Time, from effect.Peer, a *wire.Ack) {
	p := &m.probe
	switch {
	case p.stage == idle || a.Seq != p.seq:
		m.relayAck(from, a)
	case a.Relayed:
		if p.waiting() {
			m.probeSucceeded()
		}
	case from.ID == p.target.id:
		first := now.Sub(p.sent) < m.timeout() // answers the first ping for sure
		if p.waiting() {
			m.probeSucceeded()
		}
		if first {
			m.cfg.Out.Report(effect.Event{Kind: effect.ProbeAcked, ID: from.ID, Elapsed: now.Sub(p.sent)})
		}
	}
}

// OnNack notes that a helper is well though the target did not answer it.
func (m *Machine) OnNack(n *wire.Nack) {
	if m.probe.stage == indirect && n.Seq == m.probe.seq && m.probe.nacks < m.probe.asked {
		m.probe.nacks++
	}
}

// relay is an indirect probe that we run for somebody.
type relay struct {
	asker    effect.Peer
	theirs   wire.Seq
	ours     wire.Seq
	target   member.NodeID
	nackAt   member.Time
	expireAt member.Time
	nacked   bool
	next     member.Time // the earlier of nackAt, if not nacked, and expireAt
}

// relaysMax bounds the relays at once: with three helpers asked for each failed
// probe, 64 serve a node at which twenty askers a period point.
const relaysMax = 64

// relaysPerAsker leaves room for others: an asker has one probe under way, and a
// few of its former ones may not have expired.
const relaysPerAsker = 8

// OnPingReq probes a target for somebody else (SWIM section 3.1).
func (m *Machine) OnPingReq(now member.Time, from effect.Peer, req *wire.PingReq) {
	if len(m.relays) >= relaysMax || m.relaysFor(from.ID) >= relaysPerAsker {
		m.drops[DropRelays]++
		return
	}
	to := req.Addr
	if e, ok := m.table.index[req.Target]; ok {
		to = e.addr() // what the target signed, not what the asker says
	}
	budget := min(req.Budget, m.period())
	// The nack leaves at 80 % of the asker's budget (Lifeguard section IV-A).
	nackAt := now.Add(budget * 4 / 5)
	r := relay{
		asker: from, theirs: req.Seq, ours: m.nextSeq(), target: req.Target,
		nackAt: nackAt, expireAt: now.Add(budget), next: nackAt,
	}
	m.relays = append(m.relays, r)
	m.cfg.Out.Open(req.Target, to, effect.Datagram)
	m.ping = wire.Ping{Seq: r.ours, Root: m.cfg.Root()}
	m.cfg.Out.Add(&m.ping)
}

func (m *Machine) relaysFor(asker member.NodeID) (n int) {
	for i := range m.relays {
		if m.relays[i].asker.ID == asker {
			n++
		}
	}
	return n
}

func (m *Machine) relayAck(from effect.Peer, a *wire.Ack) {
	for i := range m.relays {
		r := &m.relays[i]
		if r.ours != a.Seq || r.target != from.ID {
			continue
		}
		m.ack = wire.Ack{Seq: r.theirs, Root: m.cfg.Root(), Relayed: true}
		m.cfg.Out.Open(r.asker.ID, r.asker.Addr, r.asker.Lane)
		m.cfg.Out.Add(&m.ack)
		m.dropRelay(i)
		return
	}
}

func (m *Machine) tickRelays(now member.Time) {
	for i := 0; i < len(m.relays); {
		r := &m.relays[i]
		if now >= r.nackAt && !r.nacked {
			r.nacked, r.next = true, r.expireAt
			m.nack = wire.Nack{Seq: r.theirs}
			m.cfg.Out.Open(r.asker.ID, r.asker.Addr, r.asker.Lane)
			m.cfg.Out.Add(&m.nack)
		}
		if now >= r.expireAt {
			m.dropRelay(i)
			continue
		}
		i++
	}
}

func (m *Machine) dropRelay(i int) {
	last := len(m.relays) - 1
	m.relays[i] = m.relays[last]
	m.relays = m.relays[:last]
}

// elapsed guards against a clock that was handed in backwards.
func elapsed(now, since member.Time) time.Duration { return max(now.Sub(since), 0) }
