package epidemic

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// mixed is a Config that exercises loss, outages and several updates.
func mixed(p Protocol, order Order, outage Outage) Config {
	return Config{
		Nodes: 300, Fanout: 2, Protocol: p, Order: order, Outage: outage,
		Loss: .1, Dead: .1, Trials: 20, Seed: 42, Start: 298, Updates: 5,
	}
}

func TestResultDoesNotDependOnCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, p := range Protocols() {
		for _, order := range []Order{Sync, Turn} {
			cfg := mixed(p, order, PerRound)
			var results []*Result
			for _, cores := range []int{1, 2} {
				runtime.GOMAXPROCS(cores)
				r, err := Run(t.Context(), cfg, nil)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, r)
			}
			if !reflect.DeepEqual(results[0], results[1]) {
				t.Errorf("%v %v differs between one core and two", p, order)
			}
		}
	}
}

// Golden digests of whole results: a random seed must mean the same in every
// release. A change here breaks every seed that users wrote down.
func TestRandomSeedsMeanTheSameForEver(t *testing.T) {
	want := map[Protocol]string{
		Push:            "3eceaa57199f79f3",
		Pull:            "62bbfa8e1cd3babd",
		PushPull:        "2a2cc967e4c5a358",
		InfectAndDie:    "c62cf39b5b710bb4",
		FeedbackCounter: "254d67d33ec1b683",
		FeedbackCoin:    "9cef7237d0fd6138",
		BlindCounter:    "0988a205ac120965",
		BlindCoin:       "1c247584f4677cc1",
		MedianCounter:   "d3884c046180d3ee",
		Digest:          "f3f500ef854ff316",
	}
	for _, p := range Protocols() {
		hash := fnv.New64a()
		for _, order := range []Order{Sync, Turn} {
			for _, outage := range []Outage{Forever, PerRound} {
				r, err := Run(t.Context(), mixed(p, order, outage), nil)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintln(hash, r.Rounds, r.Last, r.Quiet, r.informed, r.copies, r.requests)
			}
		}
		if got := fmt.Sprintf("%016x", hash.Sum64()); got != want[p] {
			t.Errorf("%v: digest %s, want %s", p, got, want[p])
		}
	}
}

func TestLoneRoundsGiveTheSameResult(t *testing.T) {
	for _, p := range []Protocol{Push, Pull, PushPull, InfectAndDie, Digest} {
		for _, outage := range []Outage{Forever, PerRound} {
			cfg := mixed(p, Sync, outage)
			cfg.Updates = 1
			fast, slow := newTrial(cfg), newTrial(cfg)
			slow.general = true
			for i := range 10 {
				fast.reset(i)
				slow.reset(i)
				fast.run(t.Context(), nil)
				slow.run(t.Context(), nil)
				if !reflect.DeepEqual(fast.updates, slow.updates) || fast.copies != slow.copies ||
					fast.requests != slow.requests || fast.rand != slow.rand {
					t.Errorf("%v %v: trial %d differs", p, outage, i)
				}
			}
		}
	}
}

func TestStoryIsTheFirstTrial(t *testing.T) {
	for _, p := range Protocols() {
		cfg := base(9, 2, p, 1)
		cfg.Updates, cfg.Start = 2, 7
		story, err := Tell(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		copies, informed := 0, []int(nil)
		for _, chapter := range story {
			for _, c := range chapter.Sent {
				copies += bits.OnesCount64(c.Updates)
			}
			n := 0
			for _, k := range chapter.Knows {
				n += bits.OnesCount64(k)
			}
			informed = append(informed, n)
		}
		if uint64(copies) != r.copies || !slices.Equal(informed, r.informed) {
			t.Errorf("%v: story %d copies %v, run %d copies %v", p, copies, informed, r.copies, r.informed)
		}
		if k := story[0].Knows; k[7] != 1 || k[8] != 2 {
			t.Errorf("%v: origins know %v", p, k)
		}
	}
}

// In turn order an update can cross the cluster in one round; in step it
// reaches at most fanout+1 times as many nodes as before.
func TestOnlyInTurnIsAnUpdatePassedOnInItsRound(t *testing.T) {
	for _, order := range []Order{Sync, Turn} {
		cfg := base(50, 2, Push, 1)
		cfg.Order = order
		story, err := Tell(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		early := 0 // payloads sent by nodes that did not know when the round began
		for r := 1; r < len(story); r++ {
			for _, c := range story[r].Sent {
				if story[r-1].Knows[c.From] == 0 {
					early++
				}
			}
		}
		if (early > 0) != (order == Turn) {
			t.Errorf("%v: %d payloads were passed on in the round they came", order, early)
		}
	}
}

func TestDeadNodesNeitherSendNorReceive(t *testing.T) {
	for _, outage := range []Outage{Forever, PerRound} {
		for _, p := range Protocols() {
			cfg := base(20, 3, p, 1)
			cfg.Dead, cfg.Outage, cfg.Loss = .3, outage, .2
			story, err := Tell(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, chapter := range story[1:] {
				down := 0
				for _, d := range chapter.Down {
					if d {
						down++
					}
				}
				if down != 6 {
					t.Errorf("%v %v round %d: %d nodes down, want 6", p, outage, chapter.Round, down)
				}
				for _, c := range chapter.Sent {
					if chapter.Down[c.From] || chapter.Down[c.To] && !c.Lost {
						t.Errorf("%v %v: a down node takes part: %+v", p, outage, c)
					}
				}
			}
		}
	}
}

func TestInterruptedRunReturnsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := base(1_000, 1, Push, 1_000_000)
	var learnt atomic.Int64
	r, err := Run(ctx, cfg, func(n int) {
		if learnt.Add(int64(n)) > 20_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	if r.Done < 10 || r.Done >= cfg.Trials || r.Rounds.Count() != r.Done {
		t.Errorf("%d trials done, %d complete", r.Done, r.Rounds.Count())
	}
}

func TestProgressAddsUp(t *testing.T) {
	cfg := base(500, 2, PushPull, 30)
	var sum atomic.Int64
	if _, err := Run(t.Context(), cfg, func(n int) { sum.Add(int64(n)) }); err != nil {
		t.Fatal(err)
	}
	if want := int64(30 * 499); sum.Load() != want {
		t.Errorf("progress adds up to %d, want %d", sum.Load(), want)
	}
}

func TestRoundsAllocateNothing(t *testing.T) {
	for _, p := range Protocols() {
		trial := newTrial(base(2_000, 3, p, 1))
		index := 0
		if n := testing.AllocsPerRun(5, func() {
			trial.reset(index)
			trial.run(context.Background(), nil)
			index++
		}); n != 0 {
			t.Errorf("%v: %.0f allocations per trial", p, n)
		}
	}
}

func TestValidateNamesEverythingAtOnce(t *testing.T) {
	err := Config{Nodes: 1, Fanout: 0, Protocol: 99, Order: 9, Outage: 9, Loss: 1.5, Dead: -1, Rounds: -1, Stop: -1}.Validate()
	for _, want := range []error{ErrNodes, ErrFanout, ErrProtocol, ErrOrder, ErrOutage, ErrLoss, ErrDead, ErrRounds, ErrStop, ErrTrials} {
		if !errors.Is(err, want) {
			t.Errorf("%v is missing in %v", want, err)
		}
	}
	cases := map[error]func(*Config){
		ErrFanout:  func(c *Config) { c.Fanout = 10 },
		ErrStart:   func(c *Config) { c.Start = 10 },
		ErrUpdates: func(c *Config) { c.Updates = 11 },
		ErrDead:    func(c *Config) { c.Dead = .96 },
		ErrLoss:    func(c *Config) { c.Loss = 1 },
	}
	for want, spoil := range cases {
		cfg := base(10, 3, Push, 1)
		spoil(&cfg)
		if _, err := Run(t.Context(), cfg, nil); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
}

func TestNamesRoundTrip(t *testing.T) {
	for _, p := range Protocols() {
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Protocol
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%v reads back as %v, %v", p, back, err)
		}
	}
	var p Protocol
	if err := p.UnmarshalText([]byte("shout")); !errors.Is(err, ErrProtocol) {
		t.Errorf("shout: %v", err)
	}
	var o Order
	if err := o.UnmarshalText([]byte("random")); !errors.Is(err, ErrOrder) {
		t.Errorf("random: %v", err)
	}
	var g Outage
	if err := g.UnmarshalText([]byte("never")); !errors.Is(err, ErrOutage) {
		t.Errorf("never: %v", err)
	}
}

func TestMillionNodesFitInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million nodes")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Run(t.Context(), base(1_000_000, 1, PushPull, 1), nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	// Three bit sets are 375 kB; one byte per node leaves room for counters.
	if used := after.TotalAlloc - before.TotalAlloc; used > 1_000_000 {
		t.Errorf("%d bytes allocated for a million nodes", used)
	}
}
