package ring

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/hearsay-gossip/hearsay/member"
)

// Ring places keys on members. It never changes, so any number of goroutines may
// use it; a change makes another ring, which shares with the old one what is
// equal.
type Ring struct {
	opts    Options
	members []Member // ordered by ID
	zones   []uint32 // of each member, the number of its zone: < all.zones

	// The tokens, ordered by position, then member: len(positions) = len(owners),
	// and members[owners[i]] has the token at positions[i].
	positions []uint64
	owners    []uint32

	all, well census // of all members, and of those that are not suspect
}

// census is how many members there are, in how many zones.
type census struct{ members, zones int }

// New returns the ring of some members, in any order. Those that are dead, have
// left or have a negative weight are not on it. Errors: [ErrOptions].
func New(opts Options, members []Member) (*Ring, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	empty := &Ring{opts: opts.filled()}
	return empty.With(members), nil
}

// With returns the ring of other members, made of this one: faster than New
// where few have changed, and otherwise the same. It returns r itself if nothing
// has changed.
func (r *Ring) With(members []Member) *Ring {
	on := canonical(members)
	if slices.Equal(on, r.members) {
		return r
	}
	next := &Ring{opts: r.opts, members: on}
	next.numberZones()
	next.all, next.well = next.count(nil, false), next.count(nil, true)
	next.takeTokens(r)
	return next
}

// numberZones gives zones numbers, which are faster to compare than names.
func (r *Ring) numberZones() {
	numbers := make(map[string]uint32)
	r.zones = make([]uint32, len(r.members))
	for i, m := range r.members {
		n, known := numbers[m.Zone]
		if !known {
			n = uint32(len(numbers))
			numbers[m.Zone] = n
		}
		r.zones[i] = n
	}
	r.all.zones = len(numbers)
}

// count returns how many members there are, without those that are doubtful if
// only the well are asked for.
func (r *Ring) count(doubted []member.NodeID, well bool) census {
	var c census
	met := make([]bool, r.all.zones)
	for i, zone := range r.zones {
		if well && r.doubtful(uint32(i), doubted) {
			continue
		}
		c.members++
		if !met[zone] {
			met[zone] = true
			c.zones++
		}
	}
	return c
}

// doubtful reports whether a member is suspect, or doubted by the caller.
func (r *Ring) doubtful(i uint32, doubted []member.NodeID) bool {
	m := &r.members[i]
	return m.State == member.Suspect || len(doubted) > 0 && slices.Contains(doubted, m.ID)
}

// takeTokens merges the tokens of those members of the ring before that have
// kept their weight with those of all others.
func (r *Ring) takeTokens(before *Ring) {
	now := make([]int, len(before.members)) // where they are in r; -1 if their tokens are void
	for i, old := range before.members {
		now[i] = -1
		if k, found := r.find(old.ID); found && r.members[k].Weight == old.Weight {
			now[i] = k
		}
	}
	var fresh tokens
	for k, m := range r.members {
		if i, found := before.find(m.ID); !found || now[i] < 0 {
			fresh.add(m.ID, uint32(k), r.opts.tokens(m.Weight))
		}
	}
	if len(fresh) == 0 && len(before.members) == len(r.members) {
		r.positions, r.owners = before.positions, before.owners
		return
	}
	fresh.sort()
	r.merge(before, now, fresh)
}

// merge fills in the tokens: those of the ring before whose members are still
// there, at the places now, and the fresh ones.
func (r *Ring) merge(before *Ring, now []int, fresh tokens) {
	size := len(fresh)
	for _, owner := range before.owners {
		if now[owner] >= 0 {
			size++
		}
	}
	r.positions, r.owners = make([]uint64, 0, size), make([]uint32, 0, size)
	for i, owner := range before.owners {
		if now[owner] < 0 {
			continue
		}
		old := token{before.positions[i], uint32(now[owner])}
		for len(fresh) > 0 && fresh[0].compare(old) < 0 {
			r.append(fresh[0])
			fresh = fresh[1:]
		}
		r.append(old)
	}
	for _, t := range fresh {
		r.append(t)
	}
}

func (r *Ring) append(t token) {
	r.positions, r.owners = append(r.positions, t.position), append(r.owners, t.owner)
}

// token is one position of a member.
type token struct {
	position uint64
	owner    uint32 // index in members
}

// compare orders tokens by position. Two members may meet in one: then the lower
// ID has it, and its index is the lower.
func (t token) compare(other token) int {
	return cmp.Or(cmp.Compare(t.position, other.position), cmp.Compare(t.owner, other.owner))
}

type tokens []token

func (ts *tokens) sort() { slices.SortFunc(*ts, token.compare) }

// perHash is how many positions are cut from one hash.
const perHash = sha256.Size / 8

// add appends the first n tokens of a member: eight bytes each of SHA-256
// over its ID and a counter. They depend on nothing else, so that the
// tokens of a smaller weight are among those of a larger one.
func (ts *tokens) add(id member.NodeID, owner uint32, n int) {
	var seed [member.NodeIDSize + 4]byte
	copy(seed[:], id[:])
	for i := 0; i < n; i += perHash {
		binary.BigEndian.PutUint32(seed[member.NodeIDSize:], uint32(i/perHash))
		sum := sha256.Sum256(seed[:])
		for j := range min(perHash, n-i) {
			*ts = append(*ts, token{binary.BigEndian.Uint64(sum[8*j:]), owner})
		}
	}
}

// Position returns where a key is on the circle: the first 8 bytes of SHA-256
// over it.
func Position(key []byte) uint64 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint64(sum[:])
}

// Len returns the number of members on the ring.
func (r *Ring) Len() int { return len(r.members) }

// Members returns the members on the ring, ordered by ID. The slice is shared and
// must not be changed.
func (r *Ring) Members() []Member { return r.members }

// Member returns a member on the ring by its ID.
func (r *Ring) Member(id member.NodeID) (Member, bool) {
	i, found := r.find(id)
	if !found {
		return Member{}, false
	}
	return r.members[i], true
}

func (r *Ring) find(id member.NodeID) (int, bool) {
	return slices.BinarySearchFunc(r.members, id, func(m Member, id member.NodeID) int { return m.ID.Compare(id) })
}

// Share returns the part of all keys whose first replica a member is, 0 to 1: the
// length of its arcs.
func (r *Ring) Share(id member.NodeID) float64 {
	i, found := r.find(id)
	if !found {
		return 0
	}
	if len(r.members) == 1 {
		return 1
	}
	var sum uint64 // cannot overflow: another member has an arc as well
	for k, owner := range r.owners {
		if int(owner) == i {
			last := r.positions[(k+len(r.positions)-1)%len(r.positions)]
			sum += r.positions[k] - last // wraps where the circle does
		}
	}
	return float64(sum) / (1 << 64)
}
