package hearsay_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/seal"
)

// startLocal starts a node on a free port of this machine.
func startLocal(ctx context.Context, name string, ring *seal.Ring, seeds ...string) *hearsay.Node {
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Seeds = name, ring, seeds
	cfg.Logger = slog.New(slog.DiscardHandler)
	n, err := hearsay.Start(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// Two nodes find each other, and one learns what the other publishes.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ring := seal.DevRing("example") // in production: seal.NewRing, once for all nodes

	alice := startLocal(ctx, "alice", ring)
	defer alice.Close()
	events := alice.Events(ctx)

	bob := startLocal(ctx, "bob", ring, alice.Self().Addr.String())
	defer bob.Close()
	if err := bob.Meta().Set(ctx, "zone", []byte("eu-1")); err != nil {
		log.Fatal(err)
	}

	for e := range events {
		switch e.Kind {
		case hearsay.Joined:
			fmt.Println(e.Member.Name, "joined,", len(alice.Members()), "members")
		case hearsay.FactSet:
			fmt.Printf("%s: %s = %s\n", e.Member.Name, e.Key, e.Value)
			return
		}
	}
	// Output:
	// bob joined, 2 members
	// bob: zone = eu-1
}

// A goodbye is confirmed by those who were told.
func ExampleNode_Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ring := seal.DevRing("example")
	alice, bob := startLocal(ctx, "alice", ring), startLocal(ctx, "bob", ring)
	defer alice.Close()
	defer bob.Close()

	contacts, err := bob.Join(ctx, alice.Self().Addr.String())
	fmt.Println("joined", contacts, err)
	events := alice.Events(ctx)
	report, err := bob.Leave(ctx)
	fmt.Println("left", report.Acked, "of", report.Asked, err)
	for e := range events {
		if e.Kind == hearsay.Left {
			fmt.Println(e.Member.Name, "is", e.Member.State)
			break
		}
	}
	// Output:
	// joined 1 <nil>
	// left 1 of 1 <nil>
	// bob is left
}

// A node that cannot join says why.
func ExampleNode_Join() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	alice := startLocal(ctx, "alice", seal.DevRing("production"))
	defer alice.Close()
	bob := startLocal(ctx, "bob", seal.DevRing("staging"))
	defer bob.Close()

	_, err := bob.Join(ctx, alice.Self().Addr.String())
	reason, _ := seal.ReasonOf(err)
	fmt.Println(reason)
	// Output:
	// wrong_cluster
}

// pair starts two nodes that know each other.
func pair(ctx context.Context) (alice, bob *hearsay.Node) {
	ring := seal.DevRing("example")
	alice, bob = startLocal(ctx, "alice", ring), startLocal(ctx, "bob", ring)
	if _, err := bob.Join(ctx, alice.Self().Addr.String()); err != nil {
		log.Fatal(err)
	}
	return alice, bob
}

// A message reaches everybody, and the receipt says so.
func ExampleNode_Broadcast() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	alice, bob := pair(ctx)
	defer alice.Close()
	defer bob.Close()

	messages := alice.Messages(ctx, "deploy") // before the first is sent
	receipt, err := bob.Broadcast(ctx, hearsay.Message{Topic: "deploy", Payload: []byte("v1.2.3")})
	if err != nil {
		log.Fatal(err)
	}
	for m := range messages {
		fmt.Printf("%s: %s %s\n", m.OriginName, m.Topic, m.Payload)
		break
	}
	progress, err := receipt.Wait(ctx)
	fmt.Println("reached", progress.Reached, "of", progress.Live, err)
	// Output:
	// bob: deploy v1.2.3
	// reached 2 of 2 <nil>
}

// A query is answered by those it is for.
func ExampleNode_Query() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	alice, bob := pair(ctx)
	defer alice.Close()
	defer bob.Close()

	bob.HandleQueries(ctx, "uptime", func(_ context.Context, q hearsay.Question) ([]byte, error) {
		return []byte("three days"), nil
	})
	answers, err := alice.Query(ctx, hearsay.Query{
		Topic: "uptime", Filter: hearsay.Filter{Names: []string{"b*"}}, Timeout: 10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	for a := range answers.All() {
		fmt.Printf("%s: %s\n", a.Name, a.Payload)
		break // without it the loop waits for others until the timeout
	}
	// Output:
	// bob: three days
}
