package store

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Outcome says what came of an incoming write.
type Outcome uint8

// The outcomes.
const (
	// Known: nothing new.
	Known Outcome = iota
	// Applied: the facts changed here.
	Applied
	// Gap: writes before it are missing; ask the sender.
	Gap
	// Refused: the signature does not verify, or the owner has too many keys.
	Refused
	// Outdated: this node itself signed writes that it does not remember. Its
	// disk was rolled back or copied.
	Outdated
)

// OnFact takes a write that came as a rumor, and spreads it if it is new.
func (s *Store) OnFact(publicKey *[wire.PublicKeySize]byte, m *wire.Fact) Outcome {
	if m.Owner == s.cfg.ID {
		return s.onOwn(publicKey, m.Generation, &m.Entry)
	}
	o := s.ownerOf(m.Owner)
	r := s.target(o, m.Generation)
	switch {
	case r == nil || m.Generation == r.generation && m.Entry.Version <= r.version:
		return Known
	case m.Generation != r.generation && m.Entry.Version != 1, // the start of a generation we have nothing of
		m.Generation == r.generation && m.Entry.Version != r.version+1:
		return Gap
	case !s.verify(o, publicKey, m.Generation, &m.Entry):
		s.drops++
		return Refused
	}
	fresh := []wire.Entry{m.Entry}
	if !r.hasRoom(m.Generation, fresh) {
		s.excess++
		return Refused
	}
	hops := m.Hops
	if hops < 255 {
		hops++
	}
	s.extend(o, m.Generation, fresh, m.Entry.Version, m.Entry.Version, hops)
	return Applied
}

// onOwn meets a write of this very node. One above all that it remembers, with
// its signature, is of a life that it has forgotten.
func (s *Store) onOwn(publicKey *[wire.PublicKeySize]byte, g wire.Generation, e *wire.Entry) Outcome {
	r := &s.own.current
	switch {
	case g < r.generation, g == r.generation && e.Version <= r.version:
		return Known
	case !s.verify(s.own, publicKey, g, e):
		s.drops++
		return Refused
	}
	return Outdated
}

// OnAdvert takes an announcement; the outcome is Known or Gap.
func (s *Store) OnAdvert(m *wire.Advert) Outcome {
	generation, version := s.Wanted(m.Owner)
	if m.Generation > generation || m.Generation == generation && m.Version > version {
		return Gap
	}
	return Known
}

// OnDelta takes a range of writes. Either all of it is applied or nothing.
func (s *Store) OnDelta(publicKey *[wire.PublicKeySize]byte, m *wire.Delta) Outcome {
	if m.Owner == s.cfg.ID {
		outcome := Known
		walk := *m
		for e := (wire.Entry{}); outcome == Known && walk.Next(&e); {
			outcome = s.onOwn(publicKey, m.Generation, &e)
		}
		return outcome
	}
	o := s.ownerOf(m.Owner)
	r := s.target(o, m.Generation)
	if r == nil {
		return Known
	}
	have := wire.Version(0)
	if m.Generation == r.generation {
		have = r.version
	}
	switch {
	case m.To <= have:
		if r == o.next && m.Latest <= have {
			// The sender has no more of it either: whoever told us of more may
			// have died with it.
			s.swap(o, 0)
			s.rehash(o)
		}
		return Known
	case m.From > have:
		return Gap
	}
	// Only entries are signed. That the last one stands at the end of the range
	// binds the range to a signature: nobody can claim versions that the owner
	// never wrote. The newest write of a key is always there to be shown.
	var fresh []wire.Entry
	last := wire.Version(0)
	walk := *m
	for e := (wire.Entry{}); walk.Next(&e); {
		last = e.Version
		if e.Version <= have {
			continue
		}
		if !s.verify(o, publicKey, m.Generation, &e) {
			s.drops++
			return Refused
		}
		fresh = append(fresh, e)
	}
	switch {
	case last != m.To:
		s.drops++
		return Refused
	case !r.hasRoom(m.Generation, fresh):
		s.excess++
		return Refused
	}
	s.extend(o, m.Generation, fresh, m.To, m.Latest, 0)
	return Applied
}

// target returns the replica that a write of a generation belongs to; one with
// an older generation when the write begins a newer one; nil when the write is
// of a void generation.
func (s *Store) target(o *owner, g wire.Generation) *replica {
	switch {
	case o.next != nil && g >= o.next.generation:
		return o.next
	case g == o.current.generation, g > o.current.generation && o.next == nil:
		return &o.current
	}
	return nil
}

// hasRoom reports whether a replica may take writes of a generation without
// holding more keys than their owner could.
func (r *replica) hasRoom(g wire.Generation, fresh []wire.Entry) bool {
	held := len(r.byKey)
	if g != r.generation {
		held = 0
	}
	if held+len(fresh) <= heldMax {
		return true
	}
	for i := range fresh {
		if _, known := r.byKey[string(fresh[i].Key)]; g != r.generation || !known {
			held++
		}
	}
	return held <= heldMax
}

// extend applies writes up to a version of a generation of which the sender
// knew everything up to latest, and swaps a newer generation in once complete.
func (s *Store) extend(o *owner, g wire.Generation, entries []wire.Entry, to, latest wire.Version, hops uint8) {
	r := &o.current
	if g > r.generation && r.version > 0 {
		if o.next == nil || o.next.generation < g {
			o.next = &replica{generation: g}
		}
		r = o.next
	}
	r.generation = g
	for i := range entries {
		f := adopt(&entries[i])
		was, ok := r.byKey[f.key]
		r.apply(f)
		if r == &o.current {
			s.announce(o, f, ok && !was.tombstone, hops)
		}
	}
	r.version = to
	if r == o.next && to >= latest {
		s.swap(o, hops)
		if hops > 0 {
			s.spread(o, o.current.log[len(o.current.log)-1], hops)
		}
	}
	s.rehash(o)
}

// announce reports a write, unless it deletes what was never seen here, and, if
// it came as a rumor, passes it on. What came by anti-entropy is passed on only
// by the same way: it is old news.
func (s *Store) announce(o *owner, f *fact, seen bool, hops uint8) {
	if seen || !f.tombstone {
		s.report(o.id, f, hops)
	}
	if hops > 0 || len(f.key)+len(f.value) > inlineMax {
		s.spread(o, f, hops)
	}
}

// swap makes the newer generation the current one and reports the difference,
// deletions first.
func (s *Store) swap(o *owner, hops uint8) {
	old := o.current
	o.current, o.next = *o.next, nil
	for _, f := range old.log {
		if now, ok := o.current.byKey[f.key]; !f.tombstone && (!ok || now.tombstone) {
			s.report(o.id, &fact{key: f.key, tombstone: true}, hops)
		}
	}
	for _, f := range o.current.log {
		was, ok := old.byKey[f.key]
		if !f.tombstone && (!ok || was.tombstone || string(was.value) != string(f.value)) {
			s.report(o.id, f, hops)
		}
	}
}

// adopt copies an entry out of the packet it came in.
func adopt(e *wire.Entry) *fact {
	return &fact{
		key: string(e.Key), value: append([]byte(nil), e.Value...),
		version: e.Version, tombstone: e.Tombstone, signature: e.Signature,
	}
}

// Delta fills d with an owner's facts above what the asker has, as many as fit
// into room bytes of entries, at least one. It reports whether there is
// anything. d aliases scratch memory of the store until the next call.
func (s *Store) Delta(id member.NodeID, g wire.Generation, from wire.Version, room int, d *wire.Delta) bool {
	o, ok := s.owners[id]
	if !ok || o.current.version == 0 || g > o.current.generation {
		return false
	}
	r := &o.current
	if g < r.generation {
		from = 0
	}
	if from >= r.version {
		return false
	}
	start, found := r.search(from)
	if found {
		start++
	}
	encoded := s.scratch[:0]
	to := r.version
	for i, f := range r.log[start:] {
		e := f.entry()
		before := len(encoded)
		encoded = e.Append(encoded)
		if i > 0 && len(encoded) > room {
			encoded, to = encoded[:before], r.log[start+i-1].version
			break
		}
	}
	s.scratch = encoded
	*d = wire.Delta{Owner: id, Generation: r.generation, From: from, To: to, Latest: r.version}
	d.SetEntries(encoded)
	return true
}

// Compare returns how another's stamp stands to what is held of an owner: below
// 0 when ours is newer, above 0 when theirs is.
func (s *Store) Compare(st *wire.Stamp) int {
	generation, version := s.Stamp(st.ID)
	switch {
	case st.Version == 0 && version == 0:
		return 0
	case st.Generation != generation:
		if st.Generation < generation {
			return -1
		}
		return 1
	case st.Version != version:
		if st.Version < version {
			return -1
		}
		return 1
	}
	return 0
}
