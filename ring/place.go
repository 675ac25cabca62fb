package ring

import (
	"slices"

	"github.com/hearsay-gossip/hearsay/member"
)

// Replica is one place of a [Preference].
type Replica struct {
	Member
	// Doubted is set for a home that is suspect, or doubted by the caller.
	Doubted bool
	// For is the doubted home that this member stands in for; zero for a home.
	For member.NodeID
}

// Preference is the preference list of a key: first its homes, in the order of
// the ring, then a stand-in for each home that is doubted, in the order of those,
// as far as there are members that are not.
type Preference []Replica

// Homes returns the members that keep the key, doubted ones included. It is a
// part of p.
func (p Preference) Homes() Preference {
	for i := range p {
		if !p[i].For.IsZero() {
			return p[:i:i]
		}
	}
	return p
}

// Reachable returns the places to write to and to read from now: the homes that
// are not doubted, then the stand-ins.
func (p Preference) Reachable() Preference {
	var reachable Preference
	for _, r := range p {
		if !r.Doubted {
			reachable = append(reachable, r)
		}
	}
	return reachable
}

// Find returns the place of a member.
func (p Preference) Find(id member.NodeID) (Replica, bool) {
	i := slices.IndexFunc(p, func(r Replica) bool { return r.ID == id })
	if i < 0 {
		return Replica{}, false
	}
	return p[i], true
}

// Owner returns the first home of a key; false if nobody is on the ring. It takes
// time in the logarithm of the number of tokens, and allocates nothing.
func (r *Ring) Owner(key []byte) (Member, bool) {
	if len(r.members) == 0 {
		return Member{}, false
	}
	return r.members[r.owners[r.successor(Position(key))]], true
}

// Replicas returns the preference list of a key: N homes in different zones or,
// where there are fewer zones, N in all of them, or all members if there are
// fewer. Members that the caller has found not to answer may be named as doubted,
// and get stand-ins as suspects do.
//
// The homes are the same whoever is doubted. The stand-ins are those that would
// be homes if the doubted were gone.
//
// It takes time in the logarithm of the number of tokens, and in that of the walk
// along the circle to the last place: a few tokens, or about as many as there are
// for each one of the rarest zone that is needed.
func (r *Ring) Replicas(key []byte, doubted ...member.NodeID) Preference {
	if len(r.members) == 0 {
		return nil
	}
	at := r.successor(Position(key))
	var places [2 * replicasMax]uint32
	homes := r.walk(places[:0:replicasMax], at, r.all, nil, false)
	p := make(Preference, 0, 2*len(homes))
	missing := 0
	for _, i := range homes {
		d := r.doubtful(i, doubted)
		if d {
			missing++
		}
		p = append(p, Replica{Member: r.members[i], Doubted: d})
	}
	if missing == 0 {
		return p
	}
	well := r.well
	if len(doubted) > 0 {
		well = r.count(doubted, true)
	}
	next := 0 // doubted home
	for _, i := range r.walk(places[replicasMax:replicasMax], at, well, doubted, true) {
		if slices.Contains(homes, i) {
			continue
		}
		for !p[next].Doubted {
			next++
		}
		p = append(p, Replica{Member: r.members[i], For: p[next].ID})
		next++
	}
	return p
}

// successor returns the token that a position belongs to.
func (r *Ring) successor(position uint64) int {
	i, _ := slices.BinarySearch(r.positions, position)
	if i == len(r.positions) {
		return 0
	}
	return i
}

// walk appends up to N members from a token on, first those that are the first of
// their zone, then others. c says how many there are to be found: all, or those
// that are not doubtful.
func (r *Ring) walk(places []uint32, at int, c census, doubted []member.NodeID, well bool) []uint32 {
	members := min(r.opts.Replicas, c.members)
	zones := min(members, c.zones)
	for i := at; len(places) < zones; i = r.after(i) {
		if owner := r.owners[i]; !r.zoneTaken(places, owner) && !(well && r.doubtful(owner, doubted)) {
			places = append(places, owner)
		}
	}
	for i := at; len(places) < members; i = r.after(i) {
		if owner := r.owners[i]; !slices.Contains(places, owner) && !(well && r.doubtful(owner, doubted)) {
			places = append(places, owner)
		}
	}
	return places
}

func (r *Ring) after(i int) int {
	if i++; i < len(r.owners) {
		return i
	}
	return 0
}

func (r *Ring) zoneTaken(places []uint32, owner uint32) bool {
	for _, p := range places {
		if r.zones[p] == r.zones[owner] {
			return true
		}
	}
	return false
}
