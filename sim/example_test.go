package sim_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// Two halves of a cluster lose each other for a minute. What one half learns
// meanwhile, the other learns when the network heals.
func Example() {
	ctx := context.Background()
	lab := sim.New(nil, sim.Options{Nodes: 10, Seed: 1}) // in a test: sim.New(t, ...)

	lab.Node(9).OnEvent(func(e sim.Event) {
		if e.Kind == sim.FactSet {
			fmt.Printf("n9 hears: %s of %s is %s\n", e.Key, e.Member.Name, e.Value)
		}
	})

	lab.Cut(sim.Span(0, 5), sim.Span(5, 10))
	if err := lab.Node(0).Meta().Set(ctx, "colour", []byte("red")); err != nil {
		panic(err)
	}
	lab.Advance(time.Minute)
	fmt.Println("apart:", lab.Node(0).MetaOf(lab.Node(9).ID()) == nil)

	lab.Heal()
	lab.AdvanceUntil(30*time.Second, "everybody knows everything again", lab.Converged)
	lab.RequireFact(0, "colour", []byte("red"))

	lab.Kill(3)
	lab.Advance(15 * time.Second)
	lab.RequireState(3, member.Dead)
	// Output:
	// apart: true
	// n9 hears: colour of n0 is red
}
