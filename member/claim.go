package member

import (
	"cmp"
	"fmt"
)

// Epoch counts the starts of a node: it is larger at each start, on disk or by
// the wall clock, so that a restarted node outranks everything said about its
// former life.
type Epoch uint64

// Incarnation counts, within an epoch, how often a node refuted what others
// said about it or changed its own record. Only the node itself raises it
// (SWIM section 4.2).
type Incarnation uint64

// State is what a claim says about a node. The numbers are on the wire and are
// the ranks of [Claim.Compare]: at one (epoch, incarnation) the graver wins.
type State uint8

// The states of a member.
const (
	// Alive: the node itself says so.
	Alive State = iota + 1
	// Suspect: some member could not reach it and asks it to refute
	// (SWIM section 4.2).
	Suspect
	// Dead: suspected for long enough without a refutation.
	Dead
	// Left: it said goodbye. Graver than Dead, since a goodbye is certain.
	Left
)

var stateNames = [...]string{Alive: "alive", Suspect: "suspect", Dead: "dead", Left: "left"}

// String returns the state in lower case, or "state(N)" for an unknown one.
func (s State) String() string {
	if !s.Valid() {
		return fmt.Sprintf("state(%d)", uint8(s))
	}
	return stateNames[s]
}

// Valid reports whether s is one of the four states.
func (s State) Valid() bool { return s >= Alive && s <= Left }

// Gone reports whether the state is Dead or Left: no longer expected to answer.
func (s State) Gone() bool { return s == Dead || s == Left }

// Claim is one statement about a node.
type Claim struct {
	Epoch       Epoch
	Incarnation Incarnation
	State       State
}

// Compare is the precedence of claims: the newer epoch wins, then the newer
// incarnation, then the graver state. It returns -1, 0 or +1.
//
// It differs from SWIM section 4.2 in one place: there a confirmed death beats
// an alive of any incarnation, so that a wrongly buried node can return only
// under a new identity. Here a higher incarnation revives, and since only the
// subject raises it, that is proof of life. The order is total, hence the
// merge of claims (their maximum) is commutative, associative and idempotent.
func (c Claim) Compare(other Claim) int {
	return cmp.Or(
		cmp.Compare(c.Epoch, other.Epoch),
		cmp.Compare(c.Incarnation, other.Incarnation),
		cmp.Compare(c.State, other.State),
	)
}

// Supersedes reports whether c wins over other.
func (c Claim) Supersedes(other Claim) bool { return c.Compare(other) > 0 }

// SameLife reports whether both claims speak of one (epoch, incarnation).
func (c Claim) SameLife(other Claim) bool {
	return c.Epoch == other.Epoch && c.Incarnation == other.Incarnation
}

// String returns the claim as "alive 3.7": state, epoch, incarnation.
func (c Claim) String() string {
	return fmt.Sprintf("%s %d.%d", c.State, c.Epoch, c.Incarnation)
}
