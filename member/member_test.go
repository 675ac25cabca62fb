package member

import (
	"errors"
	"strings"
	"testing"
)

// claims are all states over two epochs, with the incarnations at which the
// comparison can go wrong: equal, adjacent, and the top of the range.
func claims() []Claim {
	var all []Claim
	for _, e := range []Epoch{1, 2} {
		for _, i := range []Incarnation{0, 1, ^Incarnation(0)} {
			for s := Alive; s <= Left; s++ {
				all = append(all, Claim{e, i, s})
			}
		}
	}
	return all
}

func merge(a, b Claim) Claim {
	if b.Supersedes(a) {
		return b
	}
	return a
}

func TestMergeIsCommutativeAndIdempotentOverAllPairs(t *testing.T) {
	for _, a := range claims() {
		if merge(a, a) != a {
			t.Errorf("merge(%v, itself) = %v", a, merge(a, a))
		}
		for _, b := range claims() {
			if merge(a, b) != merge(b, a) {
				t.Errorf("merge(%v, %v) depends on the order", a, b)
			}
			if (a.Compare(b) == 0) != (a == b) {
				t.Errorf("%v and %v tie without being equal", a, b)
			}
			if a.Compare(b) != -b.Compare(a) {
				t.Errorf("Compare(%v, %v) is not antisymmetric", a, b)
			}
		}
	}
}

func TestMergeIsAssociativeOverAllTriples(t *testing.T) {
	all := claims()
	for _, a := range all {
		for _, b := range all {
			for _, c := range all {
				if merge(merge(a, b), c) != merge(a, merge(b, c)) {
					t.Fatalf("merge of %v, %v, %v depends on the grouping", a, b, c)
				}
			}
		}
	}
}

// SWIM section 4.2, with the departure that Compare documents.
func TestPrecedence(t *testing.T) {
	tests := []struct {
		why           string
		winner, loser Claim
	}{
		{"suspect beats alive of its incarnation", Claim{1, 4, Suspect}, Claim{1, 4, Alive}},
		{"a refutation beats the suspicion", Claim{1, 5, Alive}, Claim{1, 4, Suspect}},
		{"a newer suspicion beats an older refutation", Claim{1, 6, Suspect}, Claim{1, 5, Alive}},
		{"dead beats suspect", Claim{1, 4, Dead}, Claim{1, 4, Suspect}},
		{"left beats dead", Claim{1, 4, Left}, Claim{1, 4, Dead}},
		{"a higher incarnation revives", Claim{1, 5, Alive}, Claim{1, 4, Left}},
		{"a restart beats every incarnation before it", Claim{2, 0, Alive}, Claim{1, ^Incarnation(0), Left}},
	}
	for _, tt := range tests {
		if !tt.winner.Supersedes(tt.loser) || tt.loser.Supersedes(tt.winner) {
			t.Errorf("%s: %v against %v", tt.why, tt.winner, tt.loser)
		}
	}
}

func TestNodeIDRoundTripsAsText(t *testing.T) {
	id := NodeID{0x01, 0xab, 15: 0xff}
	back, err := ParseNodeID(id.String())
	if err != nil || back != id {
		t.Fatalf("ParseNodeID(%q) = %v, %v", id.String(), back, err)
	}
	if id.Short() != "01ab0000" {
		t.Errorf("Short() = %q", id.Short())
	}
	for _, bad := range []string{"", "01", strings.Repeat("g", 32), id.String() + "00"} {
		if _, err := ParseNodeID(bad); !errors.Is(err, ErrNodeID) {
			t.Errorf("ParseNodeID(%q) = %v, want ErrNodeID", bad, err)
		}
	}
}

func TestNameAcceptsOnlyItsAlphabet(t *testing.T) {
	for c := range 256 {
		ok := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", byte(c)) >= 0
		if err := Name([]byte{'a', byte(c)}).Validate(); (err == nil) != ok {
			t.Errorf("Validate of a name with byte %#x: %v", c, err)
		}
	}
	for n, ok := range map[int]bool{0: false, 1: true, NameMax: true, NameMax + 1: false} {
		if err := Name(strings.Repeat("x", n)).Validate(); (err == nil) != ok {
			t.Errorf("Validate of %d characters: %v", n, err)
		}
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{0: "state(0)", Alive: "alive", Suspect: "suspect", Dead: "dead", Left: "left", 5: "state(5)"} {
		if s.String() != want {
			t.Errorf("State(%d) = %q, want %q", uint8(s), s, want)
		}
	}
}
