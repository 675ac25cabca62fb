package ring_test

import (
	"fmt"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
)

// A key has homes in three zones. While one of them is suspect it stays a home,
// and another member of its zone stands in for it.
func ExampleRing_Replicas() {
	names := map[member.NodeID]string{{1}: "ann", {2}: "bob", {3}: "cat", {4}: "dan", {5}: "eve"}
	members := []ring.Member{
		{ID: member.NodeID{1}, State: member.Alive, Zone: "north"},
		{ID: member.NodeID{2}, State: member.Alive, Zone: "north"},
		{ID: member.NodeID{3}, State: member.Alive, Zone: "south"},
		{ID: member.NodeID{4}, State: member.Alive, Zone: "west"},
		{ID: member.NodeID{5}, State: member.Alive, Zone: "west"},
	}
	r, err := ring.New(ring.Options{}, members)
	if err != nil {
		panic(err)
	}
	show := func(p ring.Preference) {
		for _, replica := range p {
			fmt.Print(names[replica.ID], " in the ", replica.Zone)
			if replica.Doubted {
				fmt.Print(", suspect")
			}
			if !replica.For.IsZero() {
				fmt.Print(", for ", names[replica.For])
			}
			fmt.Println()
		}
	}
	show(r.Replicas([]byte("cart-17")))
	fmt.Println("--")
	members[3].State = member.Suspect
	show(r.With(members).Replicas([]byte("cart-17")))
	// Output:
	// dan in the west
	// cat in the south
	// ann in the north
	// --
	// dan in the west, suspect
	// cat in the south
	// ann in the north
	// eve in the west, for dan
}
