// Package store is what members publish: a replicated map of owned facts. Each
// fact has one writer, the member that owns it, so that replicas differ only in
// how far they have followed each owner (Scuttlebutt: van Renesse et al., LADIS
// 2008).
//
// An owner numbers its writes 1, 2, 3 … within a generation. A replica knows an
// owner's facts up to some version without a gap, and asks for what is above
// it. A write that arrives ahead of its predecessors is not kept: the gap is
// asked for at once. Deletions are tombstones until the owner starts a new
// generation, which voids the old one as a whole.
//
// Values handed out are shared and must not be changed.
package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Errors of [Store.Put] and [Store.Delete].
var (
	ErrKey     = errors.New("fact key: want 1 to 256 bytes")
	ErrValue   = errors.New("fact value: over 64 KiB")
	ErrKeys    = errors.New("facts: over 1024 keys")
	ErrUnknown = errors.New("fact: no such key")
)

// tombstonesMin and tombstonesRatio decide when an owner starts a new
// generation: when it holds more tombstones than tombstonesMin and than
// tombstonesRatio for each live key. A new generation makes every replica fetch
// the live keys again, so it must be rare and worth it.
const (
	tombstonesMin   = 64
	tombstonesRatio = 4
)

// heldMax bounds the keys of one owner that a replica holds, tombstones
// included: the most that an owner within the limits above can have.
const heldMax = (1 + tombstonesRatio) * wire.KeysMax

// generationBits is the part of a generation below the owner's epoch, for the
// generations within one life. Each takes at least tombstonesMin deletions: 24
// bits last for three years of ten deletions a second, 16 would for five days.
const generationBits = 24

// EpochMax is the last epoch whose generations can be numbered: for a counter of
// starts or seconds out of reach, for a clock in nanoseconds too small.
const EpochMax member.Epoch = 1<<(64-generationBits) - 1

// FirstGeneration returns the generation that an owner begins an epoch with; all
// below it is of an earlier life.
func FirstGeneration(e member.Epoch) wire.Generation { return wire.Generation(e) << generationBits }

// EpochOf returns the epoch that a generation belongs to.
func EpochOf(g wire.Generation) member.Epoch { return member.Epoch(g >> generationBits) }

// Config is what a Store is made of.
type Config struct {
	ID      member.NodeID
	Epoch   member.Epoch
	Cluster [16]byte
	Keys    effect.Keys
	Out     *effect.Out
}

// Store holds the facts of all owners. Not for concurrent use.
type Store struct {
	cfg     Config
	own     *owner
	owners  map[member.NodeID]*owner
	hash    uint64
	scratch []byte
	fact    wire.Fact
	advert  wire.Advert
	drops   uint64 // for their signature
	excess  uint64 // for their number
}

// New returns a store in which nobody has written yet.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg, owners: make(map[member.NodeID]*owner)}
	s.own = s.ownerOf(cfg.ID)
	s.own.current.generation = FirstGeneration(cfg.Epoch)
	return s
}

// owner is one member's facts as known here.
type owner struct {
	id      member.NodeID
	current replica
	// next is a newer generation on its way: it takes over when complete, so
	// that readers never see it half.
	next     *replica
	hash     uint64
	askAfter member.Time // no gap is asked for before
}

// replica is one generation of an owner's facts.
type replica struct {
	generation wire.Generation
	version    wire.Version // all up to it is known
	byKey      map[string]*fact
	log        []*fact // by version, ascending; superseded ones are removed
	tombstones int
}

// fact is the newest write of a key.
type fact struct {
	key       string
	value     []byte
	version   wire.Version
	tombstone bool
	signature [wire.SignatureSize]byte
}

func (s *Store) ownerOf(id member.NodeID) *owner {
	o, ok := s.owners[id]
	if !ok {
		o = &owner{id: id}
		s.owners[id] = o
	}
	return o
}

// Hash returns the facts' share of the root.
func (s *Store) Hash() uint64 { return s.hash }

func (s *Store) rehash(o *owner) {
	s.hash ^= o.hash
	o.hash = wire.HashFacts(o.id, o.current.generation, o.current.version)
	s.hash ^= o.hash
}

// HashOf returns the share of one owner.
func (s *Store) HashOf(id member.NodeID) uint64 {
	if o, ok := s.owners[id]; ok {
		return o.hash
	}
	return 0
}

// Stamp returns how far an owner's facts are known; 0, 0 if not at all.
func (s *Store) Stamp(id member.NodeID) (wire.Generation, wire.Version) {
	if o, ok := s.owners[id]; ok && o.current.version > 0 {
		return o.current.generation, o.current.version
	}
	return 0, 0
}

// Wanted returns from where on to ask for an owner's facts: above what is known
// of the newest generation heard of.
func (s *Store) Wanted(id member.NodeID) (wire.Generation, wire.Version) {
	o, ok := s.owners[id]
	switch {
	case !ok:
		return 0, 0
	case o.next != nil:
		return o.next.generation, o.next.version
	}
	return o.current.generation, o.current.version
}

// askInterval is the least time between two questions about one owner: an
// answer takes a round trip, and the writes in between would each ask again.
const askInterval = 100 * time.Millisecond

// MayAsk reports whether a gap of an owner may be asked for now, and counts it
// as asked.
func (s *Store) MayAsk(now member.Time, id member.NodeID) bool {
	o := s.ownerOf(id)
	if now < o.askAfter {
		return false
	}
	o.askAfter = now.Add(askInterval)
	return true
}

// Drop forgets an owner that is no longer a member.
func (s *Store) Drop(id member.NodeID) {
	if o, ok := s.owners[id]; ok && o != s.own {
		s.hash ^= o.hash
		delete(s.owners, id)
	}
}

// Restart voids what an owner published before the epoch it is in now, and
// reports its facts as deleted.
func (s *Store) Restart(id member.NodeID, e member.Epoch) {
	o, ok := s.owners[id]
	if !ok || o.current.version == 0 || o.current.generation >= FirstGeneration(e) {
		return
	}
	for _, f := range o.current.log {
		if !f.tombstone {
			s.report(id, &fact{key: f.key, tombstone: true}, 0)
		}
	}
	s.Drop(id)
}

// Lookup returns the value of a key of an owner. The value is shared.
func (s *Store) Lookup(id member.NodeID, key string) ([]byte, bool) {
	o, ok := s.owners[id]
	if !ok {
		return nil, false
	}
	f, ok := o.current.byKey[key]
	if !ok || f.tombstone {
		return nil, false
	}
	return f.value, true
}

// Each calls visit for the live facts of an owner, oldest write first. The
// values are shared.
func (s *Store) Each(id member.NodeID, visit func(key string, value []byte)) {
	o, ok := s.owners[id]
	if !ok {
		return
	}
	for _, f := range o.current.log {
		if !f.tombstone {
			visit(f.key, f.value)
		}
	}
}

// Len returns the number of live facts of an owner.
func (s *Store) Len(id member.NodeID) int {
	if o, ok := s.owners[id]; ok {
		return len(o.current.byKey) - o.current.tombstones
	}
	return 0
}

// DroppedSignatures returns how many entries were refused for their signature.
func (s *Store) DroppedSignatures() uint64 { return s.drops }

// DroppedKeys returns how many writes were refused because their owner has more
// keys than it may.
func (s *Store) DroppedKeys() uint64 { return s.excess }

// Advance moves this node's facts to a later epoch of its own, in a new
// generation: with the epoch's record, all before it is void.
func (s *Store) Advance(e member.Epoch) {
	if e > s.cfg.Epoch {
		s.cfg.Epoch = e
		s.begin(FirstGeneration(e))
	}
}

// Put writes a fact of this node and spreads it. The value is copied. Writing
// the value that is there already does nothing: no version, no packet.
func (s *Store) Put(key string, value []byte) error {
	switch {
	case len(key) == 0 || len(key) > wire.KeyMax:
		return fmt.Errorf("put %.32q: %w", key, ErrKey)
	case len(value) > wire.ValueMax:
		return fmt.Errorf("put %q: %w", key, ErrValue)
	}
	old, exists := s.own.current.byKey[key]
	live := exists && !old.tombstone
	if live && slices.Equal(old.value, value) {
		return nil
	}
	if !live && s.Len(s.cfg.ID) >= wire.KeysMax {
		return fmt.Errorf("put %q: %w", key, ErrKeys)
	}
	s.write(&fact{key: key, value: slices.Clone(value)})
	return nil
}

// Delete removes a fact of this node, by a tombstone that is spread like a
// write. It returns [ErrUnknown] if there is no such fact.
func (s *Store) Delete(key string) error {
	if f, ok := s.own.current.byKey[key]; !ok || f.tombstone {
		return fmt.Errorf("delete %q: %w", key, ErrUnknown)
	}
	s.write(&fact{key: key, tombstone: true})
	live := s.Len(s.cfg.ID)
	if t := s.own.current.tombstones; t > tombstonesMin && t > tombstonesRatio*live {
		s.compact()
	}
	return nil
}

// write signs and applies an own fact under the next version.
func (s *Store) write(f *fact) {
	r := &s.own.current
	f.version = r.version + 1
	s.sign(f)
	r.apply(f)
	r.version = f.version
	s.rehash(s.own)
	s.spread(s.own, f, 0)
	s.report(s.own.id, f, 0)
}

// compact starts a new generation, as long as the epoch has any left. The last
// one keeps its tombstones: a generation of the next epoch would outlive a
// restart.
func (s *Store) compact() {
	if next := s.own.current.generation + 1; next < FirstGeneration(s.cfg.Epoch+1) {
		s.begin(next)
	}
}

// begin starts a generation that holds the live facts, and the newest write. It
// is not rumored: the root differs, and anti-entropy carries it.
func (s *Store) begin(g wire.Generation) {
	old := s.own.current
	s.own.current = replica{generation: g}
	r := &s.own.current
	for i, f := range old.log {
		// The newest write comes along even if it is a deletion: an owner that
		// has written always has a signed entry at its version.
		if f.tombstone && i < len(old.log)-1 {
			continue
		}
		r.version++
		moved := &fact{key: f.key, value: f.value, version: r.version, tombstone: f.tombstone}
		s.sign(moved)
		r.apply(moved)
	}
	s.rehash(s.own)
}

func (s *Store) sign(f *fact) {
	e := f.entry()
	s.scratch = e.AppendSigned(s.signedPrefix(), s.own.id, s.own.current.generation)
	f.signature = s.cfg.Keys.Sign(s.scratch)
}

func (s *Store) signedPrefix() []byte {
	s.scratch = append(append(s.scratch[:0], effect.DomainFact...), s.cfg.Cluster[:]...)
	return s.scratch
}

func (s *Store) verify(o *owner, publicKey *[wire.PublicKeySize]byte, g wire.Generation, e *wire.Entry) bool {
	s.scratch = e.AppendSigned(s.signedPrefix(), o.id, g)
	return s.cfg.Keys.Verify(o.id, publicKey, s.scratch, &e.Signature)
}

func (f *fact) entry() wire.Entry {
	return wire.Entry{
		Version: f.version, Tombstone: f.tombstone, Key: []byte(f.key), Value: f.value, Signature: f.signature,
	}
}

// inlineMax is the largest key and value that travel as a rumor. Together with
// the owner, the signature and a ping they stay well within a datagram.
const inlineMax = 640

// spread makes a write hot: whole if it is small, else as an announcement.
func (s *Store) spread(o *owner, f *fact, hops uint8) {
	key := effect.RumorKey{Kind: effect.FactWrite, Subject: o.id, Detail: hashKey(f.key)}
	if len(f.key)+len(f.value) > inlineMax {
		s.advert = wire.Advert{Owner: o.id, Generation: o.current.generation, Version: f.version}
		s.cfg.Out.Spread(key, &s.advert)
		return
	}
	s.fact = wire.Fact{Owner: o.id, Generation: o.current.generation, Hops: hops, Entry: f.entry()}
	s.cfg.Out.Spread(key, &s.fact)
}

// hashKey is FNV-1a. Two keys that collide replace each other as rumors, and
// anti-entropy makes up for it.
func hashKey(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h
}

func (s *Store) report(id member.NodeID, f *fact, hops uint8) {
	kind := effect.FactSet
	if f.tombstone {
		kind = effect.FactDeleted
	}
	s.cfg.Out.Report(effect.Event{Kind: kind, ID: id, Key: f.key, Value: f.value, Hops: hops})
}

// apply makes f the newest write of its key.
func (r *replica) apply(f *fact) {
	if r.byKey == nil {
		r.byKey = make(map[string]*fact)
	}
	if old, ok := r.byKey[f.key]; ok {
		if i, found := r.search(old.version); found {
			r.log = slices.Delete(r.log, i, i+1)
		}
		if old.tombstone {
			r.tombstones--
		}
	}
	if f.tombstone {
		r.tombstones++
	}
	r.byKey[f.key] = f
	r.log = append(r.log, f)
}

// search returns where a version is, or would be, in the log.
func (r *replica) search(v wire.Version) (int, bool) {
	return slices.BinarySearchFunc(r.log, v, func(f *fact, v wire.Version) int {
		switch {
		case f.version < v:
			return -1
		case f.version > v:
			return 1
		}
		return 0
	})
}
