package bakeoff

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/member"
)

// views is what nodes believe of who is here: one list for all, and exceptions.
// Nodes are numbered: those that run from the start, then those that join, then
// those that were gone before the run. A perspective is shared by all nodes
// whose numbers have the same remainder, a few in the largest clusters.
type views struct {
	seed  uint64
	stale float64
	ids   []member.NodeID
	// numbers is the inverse of ids.
	numbers map[member.NodeID]int32
	order   []int32  // all numbers, by ID
	place   []uint64 // of each member on shuffled rings
	// ghosts is the number of the first that was gone before: some believe
	// otherwise while views differ.
	ghosts int
	// churned numbers those that come or go during the run, -1 for others.
	churned []int32
	moves   int
	angles  []perspective
}

// perspective is one way to see the cluster.
type perspective struct {
	version uint64
	agreed  bool   // its differences have ended
	knows   []bool // of each churned member, whether it is there
	list    []broadcast.Peer
	listed  uint64 // the version of list
}

// perspectivesMax keeps the lists of the largest clusters in tens of megabytes.
const perspectivesMax = 250

// ghostShare is how many members were gone before, against those that live.
const ghostShare = 0.1

func newViews(seed uint64, nodes, joiners int, stale float64) *views {
	all := nodes + joiners
	if stale > 0 {
		all += int(ghostShare * float64(nodes))
	}
	v := &views{
		seed: seed, stale: stale, ghosts: nodes + joiners,
		ids: make([]member.NodeID, all), order: make([]int32, all), churned: make([]int32, all),
		place: make([]uint64, all), numbers: make(map[member.NodeID]int32, all),
		angles: make([]perspective, min(nodes, perspectivesMax)),
	}
	for i := range v.ids {
		f := fateOf(seed, aboutID, i, i, 0)
		binary.BigEndian.PutUint64(v.ids[i][:], f.next())
		binary.BigEndian.PutUint64(v.ids[i][8:], f.next())
		v.place[i], v.numbers[v.ids[i]] = f.next(), int32(i)
		v.order[i], v.churned[i] = int32(i), -1
	}
	slices.SortFunc(v.order, func(a, b int32) int { return v.ids[a].Compare(v.ids[b]) })
	for i := range v.angles {
		v.angles[i].version = 1
	}
	return v
}

// move registers a member that comes or goes, and whether all know it at first.
func (v *views) move(i int, known bool) {
	v.churned[i] = int32(v.moves)
	v.moves++
	for a := range v.angles {
		v.angles[a].knows = append(v.angles[a].knows, known)
	}
}

func (v *views) angle(i int32) *perspective { return &v.angles[int(i)%len(v.angles)] }

// learn changes a perspective of a churned member.
func (v *views) learn(angle, j int32, here bool) {
	v.angles[angle].knows[v.churned[j]] = here
	v.angles[angle].version++
}

// agree ends the differences of a perspective.
func (v *views) agree(angle int32) {
	v.angles[angle].agreed = true
	v.angles[angle].version++
}

// sees reports whether a node believes a member to live.
func (v *views) sees(i, j int32) bool {
	angle := v.angle(i)
	if c := v.churned[j]; c >= 0 {
		return angle.knows[c]
	}
	ghost := int(j) >= v.ghosts
	if v.stale == 0 || angle.agreed {
		return !ghost
	}
	f := fateOf(v.seed, aboutView, int(i)%len(v.angles), int(j), 0)
	if ghost {
		return f.hits(v.stale / 2 / ghostShare)
	}
	return !f.hits(v.stale / 2)
}

// live returns the members that a node believes to live, ordered by ID; it may
// hold the node itself. It is not changed while the version stands.
func (v *views) live(i int32) []broadcast.Peer {
	angle := v.angle(i)
	if angle.listed == angle.version {
		return angle.list
	}
	angle.list = make([]broadcast.Peer, 0, len(v.order))
	for _, j := range v.order {
		if v.sees(i, j) {
			angle.list = append(angle.list, broadcast.Peer{ID: v.ids[j], Addr: address(j)})
		}
	}
	angle.listed = angle.version
	return angle.list
}

// random returns a member that a node believes to live.
func (v *views) random(i int32, below func(int) int) int32 {
	for {
		if j := int32(below(len(v.ids))); j != i && v.sees(i, j) {
			return j
		}
	}
}

// port is that of every node.
const port = 7946

// address returns where a node is reached; it encodes the node's number.
func address(i int32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), port)
}

// number returns the node at an address.
func number(a netip.AddrPort) int32 {
	b := a.Addr().As4()
	return int32(b[1])<<16 | int32(b[2])<<8 | int32(b[3])
}
