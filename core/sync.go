package core

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// sync is anti-entropy (Demers 1987 section 1.3): two nodes find out what one of
// them lacks, at a cost that follows the difference and not the size. It begins
// with a root, which every ping and ack carries:
//
//	A  digest   one hash a bucket            (roots differ)
//	B  entries  stamps of differing buckets
//	A  records and deltas that B lacks, and wants
//	B  records and deltas that A wants
type sync struct {
	root    wire.Root // as of the last step
	changed Time      // when it last changed
	agreed  int       // contacts in a row with our root
	last    Time      // of an exchange that we started
	pass    uint32    // numbers the exchanges, for swim.Mark

	// A joiner reconciles a few times in quick succession: others are joining
	// at the same moment, and the contact could not know them yet.
	burstLeft int
	burstNext Time
	burstStep time.Duration
	contact   swim.Contact // through whom we joined: it meets all the others

	hashes  []uint64
	encoded []byte // of bucket hashes or stamps
	covered []byte
}

const (
	// settle is how long the root must have stood before a difference is taken
	// for a lost rumor and not for one on its way: a few gossip intervals would
	// be surer, but a joiner waits for it.
	settle = 300 * time.Millisecond
	// unsettled is how long continuous change may put an exchange off.
	unsettled = time.Second

	burstCount   = 6
	burstContact = 4                      // of them, with the contact
	burstFirst   = 100 * time.Millisecond // doubles each time: 100 ms … 3.2 s
)

// syncDue reports whether a difference is worth an exchange now.
func (m *Machine) syncDue(now Time) bool {
	since := now.Sub(m.sync.last)
	if since < m.cfg.Timing.SyncInterval {
		return false
	}
	return now.Sub(m.sync.changed) >= settle || since >= unsettled
}

// startSync opens an exchange with a member.
func (m *Machine) startSync(now Time, id member.NodeID, addr netip.AddrPort) {
	m.sync.last = now
	hashes := m.bucketHashes(bucketCount(m.swim.Len()))
	encoded := m.sync.encoded[:0]
	for _, h := range hashes {
		encoded = binary.BigEndian.AppendUint64(encoded, h)
	}
	m.sync.encoded = encoded
	m.msg.digest.SetHashes(encoded)
	if known, ok := m.swim.Addr(id); ok {
		addr = known // where it listens; it may have called on a stream
	}
	m.out.Open(id, addr, effect.Datagram)
	m.out.Add(&m.msg.digest)
	m.out.Report(effect.Event{Kind: effect.SyncStarted, ID: id})
}

// membersPerBucket is how many stamps of 30 B one differing bucket costs; the
// digest itself costs a byte a member.
const membersPerBucket = 8

func bucketCount(members int) int {
	n := 1
	for n*membersPerBucket < members && n < wire.BucketsMax {
		n *= 2
	}
	return n
}

func (m *Machine) bucketHashes(n int) []uint64 {
	if cap(m.sync.hashes) < n {
		m.sync.hashes = make([]uint64, n)
	}
	hashes := m.sync.hashes[:n]
	clear(hashes)
	m.swim.HashBuckets(hashes)
	for i := range m.swim.Len() {
		id := m.swim.IDOf(i)
		hashes[wire.Bucket(id, n)] ^= m.store.HashOf(id)
	}
	return hashes
}

// onDigest answers with what we know in the buckets that differ.
func (m *Machine) onDigest(now Time, from Peer, d *wire.Digest) {
	n := d.Buckets()
	mine := m.bucketHashes(n)
	entries := wire.StartEntries(n, m.sync.covered)
	differ := false
	for i := range n {
		if d.Hash(i) != mine[i] {
			entries.Cover(i)
			differ = true
		}
	}
	if !differ {
		return
	}
	encoded := m.sync.encoded[:0]
	for i := range m.swim.Len() {
		if entries.Covers(wire.Bucket(m.swim.IDOf(i), n)) {
			s := m.stamp(now, i)
			encoded = wire.AppendStamp(encoded, &s)
		}
	}
	m.sync.encoded = encoded
	m.msg.entries = entries
	m.msg.entries.SetStamps(encoded)
	m.out.Open(from.ID, from.Addr, from.Lane)
	m.out.Add(&m.msg.entries)
}

func (m *Machine) stamp(now Time, i int) (s wire.Stamp) {
	m.swim.Stamp(now, i, &s)
	s.Generation, s.Version = m.store.Stamp(s.ID)
	return s
}

// onEntries sends what the other lacks and asks for what we lack. Verdicts that
// the stamps imply are taken first.
func (m *Machine) onEntries(now Time, from Peer, e *wire.Entries) {
	m.sync.pass++
	walk := *e
	for s := (wire.Stamp{}); walk.Next(&s); {
		m.swim.OnStamp(now, from, &s)
		m.swim.Mark(s.ID, m.sync.pass)
	}
	b := m.startBulk(from)
	walk = *e
	for s := (wire.Stamp{}); walk.Next(&s); {
		m.answerStamp(now, &b, &s)
	}
	for i := range m.swim.Len() {
		if id := m.swim.IDOf(i); e.Covers(wire.Bucket(id, e.Buckets())) && !m.swim.Marked(i, m.sync.pass) {
			b.standing(now, i)
			b.facts(id, 0, 0)
		}
	}
}

func (m *Machine) answerStamp(now Time, b *bulk, s *wire.Stamp) {
	w := &m.msg.want
	*w = wire.Want{ID: s.ID}
	switch c := m.swim.Compare(s); {
	case c < 0:
		b.standingOf(now, s.ID)
	case c > 0:
		w.Record = m.swim.WantsRecord(s)
	}
	_, epoch, current := m.swim.Owner(s.ID)
	switch c := m.store.Compare(s); {
	case !current && !w.Record: // has left, or is of no interest
	case c > 0 && s.Generation < store.FirstGeneration(epoch): // of a life that is over
	case c < 0:
		b.facts(s.ID, s.Generation, s.Version)
	case c > 0:
		w.Facts = true
		w.Generation, w.From = m.store.Wanted(s.ID)
	}
	if w.Record || w.Facts {
		b.next()
		m.out.Add(w)
	}
}

// onWant sends what was asked for.
func (m *Machine) onWant(now Time, from Peer, w *wire.Want) {
	b := m.startBulk(from)
	if w.Record {
		b.standingOf(now, w.ID)
	}
	if w.Facts {
		b.facts(w.ID, w.Generation, w.From)
	}
}

// askFacts asks a sender for the writes that came before what it sent.
func (m *Machine) askFacts(now Time, from Peer, owner member.NodeID) {
	if !m.store.MayAsk(now, owner) {
		return
	}
	w := &m.msg.want
	*w = wire.Want{ID: owner, Facts: true}
	w.Generation, w.From = m.store.Wanted(owner)
	m.out.Open(from.ID, from.Addr, from.Lane)
	m.out.Add(w)
}

// startBurst begins a joiner's quick exchanges: first with the contact, which
// learns of everybody who joins through it and to which a stream is still open,
// then with random members.
func (m *Machine) startBurst(now Time, contact member.NodeID) {
	addr, _ := m.swim.Addr(contact)
	m.sync.contact = swim.Contact{ID: contact, Addr: addr}
	m.sync.burstLeft, m.sync.burstStep = burstCount, burstFirst
	m.sync.burstNext = now.Add(burstFirst)
}

func (m *Machine) tickSync(now Time) {
	if m.sync.burstLeft == 0 || now < m.sync.burstNext {
		return
	}
	m.sync.burstLeft--
	m.sync.burstStep *= 2
	m.sync.burstNext = now.Add(m.sync.burstStep)
	if c := m.sync.contact; m.sync.burstLeft >= burstCount-burstContact && c.Addr.IsValid() && !m.swim.IsGone(c.ID) {
		m.startSync(now, c.ID, c.Addr)
		return
	}
	var one [1]swim.Contact
	for _, c := range m.swim.Contacts(one[:0], 1) {
		m.startSync(now, c.ID, c.Addr)
	}
}

// bulk writes an answer of any size: one payload while it is small, then frames.
type bulk struct {
	m  *Machine
	to Peer
	// opened is the send under way; none before the first message, so that an
	// empty answer is no packet.
	opened bool
}

func (m *Machine) startBulk(to Peer) bulk {
	return bulk{m: m, to: to, opened: m.out.Reopen(to.ID, to.Addr, to.Lane)}
}

// next makes sure that a send is open which has room for one more message.
func (b *bulk) next() {
	if !b.opened || b.m.out.Last().Size() > wire.FrameTarget {
		b.m.out.Open(b.to.ID, b.to.Addr, b.to.Lane)
		b.opened = true
	}
}

func (b *bulk) standing(now Time, i int) {
	b.next()
	b.m.swim.AddStanding(now, i)
}

func (b *bulk) standingOf(now Time, id member.NodeID) {
	b.next()
	b.m.swim.AddStandingOf(now, id)
}

// facts adds an owner's facts above what the other has.
func (b *bulk) facts(id member.NodeID, g wire.Generation, from wire.Version) {
	d := &b.m.msg.delta
	for b.m.store.Delta(id, g, from, wire.FrameTarget, d) {
		b.next()
		b.m.out.Add(d)
		g, from = d.Generation, d.To
	}
}
