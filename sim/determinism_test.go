package sim

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
)

// eventful runs a seed through everything that the simulator can do, and
// returns the trace hash.
func eventful(t *testing.T, seed uint64) uint64 {
	c := newCluster(t, Options{Nodes: 20, Seed: seed, Network: Network{
		Latency: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.05,
	}})
	c.StartAll(time.Second)
	c.Run(10 * time.Second)
	c.Step(4, &core.Put{Key: "k", Value: []byte("v")})
	c.CutBoth(span(0, 7), span(7, 20))
	c.Run(40 * time.Second)
	c.Kill(3)
	c.Pause(9)
	c.LossOn([]int{11}, span(0, 20), 0.8)
	c.Run(30 * time.Second)
	c.Heal()
	c.Start(3, 0)
	c.Resume(9)
	c.Run(time.Minute)
	return c.Hash()
}

func TestSameSeedSameRun(t *testing.T) {
	if a, b := eventful(t, 7), eventful(t, 7); a != b {
		t.Errorf("one seed, two hashes: %x, %x", a, b)
	}
	if eventful(t, 7) == eventful(t, 8) {
		t.Error("two seeds, one hash")
	}
}

// childSeed makes a test process print the hash of one seed and end.
const childSeed = "HEARSAY_SIM_SEED"

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(childSeed); ok {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d %016x\n", seed, eventful(nil, seed))
		return
	}
	os.Exit(m.Run())
}

var rewrite = flag.Bool("rewrite", false, "write the hashes of this build to testdata/hashes.txt")

// Each seed in processes of their own, on one and on two processors: no hash
// may depend on scheduling, map order or memory layout. The golden file ties all
// builds of one commit together: with and without the race detector, on 32 and
// on 64 bits. A change of the protocol changes it.
func TestSameHashInEveryProcessAndBuild(t *testing.T) {
	const golden = "testdata/hashes.txt"
	var got strings.Builder
	for seed := range 3 {
		one, two := hashOfChild(t, seed, "1"), hashOfChild(t, seed, "2")
		if one != two {
			t.Errorf("seed %d: GOMAXPROCS=1 gives %s, 2 gives %s", seed, one, two)
		}
		got.WriteString(one)
	}
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("hashes are\n%swant\n%s(go test ./sim -run EveryProcess -rewrite, if the protocol changed)", got.String(), want)
	}
}

func hashOfChild(t *testing.T, seed int, procs string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childSeed, seed), "GOMAXPROCS="+procs)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return string(out)
}
