package epidemic

import (
	"flag"
	"fmt"
	"math"
	"sync"
	"testing"
)

// effort multiplies the number of trials of the table tests, as far as it makes
// their means more exact than they are wanted:
// go test ./epidemic -run TestTable -v -effort 3000 -timeout 2h.
var effort = flag.Float64("effort", 1, "multiply the trials of the worked tables")

// z99 is the two-sided 99 % quantile of the normal distribution.
const z99 = 2.5758

// cell is one entry of the worked tables: mean rounds until all know, from an
// independent simulation of that many runs.
type cell struct {
	cfg  Config
	mean float64
	p99  int
	runs int
}

// entry is the mean and, in parentheses there, the 99th percentile.
type entry struct {
	mean float64
	p99  int
}

// faultless holds, per size and protocol, the entries for fanout 1 to 5.
var faultless = []struct {
	protocol Protocol
	nodes    int
	runs     int
	fanout   [5]entry
}{
	{Push, 7, 200_000, [5]entry{{4.97, 9}, {2.98, 5}, {2.19, 3}, {2.01, 2}, {2.00, 2}}},
	{Push, 100, 20_000, [5]entry{{12.29, 16}, {7.36, 9}, {5.63, 7}, {4.86, 6}, {4.16, 5}}},
	{Push, 1_000, 4_000, [5]entry{{18.04, 22}, {10.66, 13}, {8.18, 10}, {6.96, 8}, {6.06, 7}}},
	{Push, 10_000, 500, [5]entry{{23.64, 28}, {13.93, 16}, {10.53, 12}, {8.98, 10}, {7.97, 9}}},
	{Push, 1_000_000, 12, [5]entry{{35.08, 37}, {20.33, 22}, {15.50, 16}, {13.17, 14}, {11.42, 12}}},
	{Pull, 7, 200_000, [5]entry{{4.19, 8}, {2.65, 4}, {2.11, 3}, {1.92, 2}, {1.67, 2}}},
	{Pull, 100, 20_000, [5]entry{{9.79, 14}, {6.26, 8}, {5.04, 6}, {4.32, 5}, {4.01, 5}}},
	{Pull, 1_000, 4_000, [5]entry{{13.79, 18}, {8.78, 11}, {7.05, 8}, {6.10, 7}, {5.46, 6}}},
	{Pull, 10_000, 500, [5]entry{{17.41, 21}, {11.10, 13}, {8.93, 10}, {7.75, 9}, {7.03, 8}}},
	{Pull, 1_000_000, 12, [5]entry{{24.42, 26}, {15.67, 17}, {12.42, 13}, {10.92, 11}, {9.83, 10}}},
	{PushPull, 7, 200_000, [5]entry{{2.91, 4}, {2.05, 3}, {1.88, 2}, {1.55, 2}, {1.17, 2}}},
	{PushPull, 100, 20_000, [5]entry{{6.53, 8}, {4.50, 5}, {3.92, 4}, {3.21, 4}, {3.01, 3}}},
	{PushPull, 1_000, 4_000, [5]entry{{9.15, 10}, {6.18, 7}, {5.06, 6}, {4.88, 5}, {4.04, 5}}},
	{PushPull, 10_000, 500, [5]entry{{11.58, 13}, {7.98, 8}, {6.69, 7}, {6.00, 6}, {5.16, 6}}},
	{PushPull, 1_000_000, 12, [5]entry{{16.00, 16}, {11.00, 11}, {9.00, 9}, {8.00, 8}, {7.42, 8}}},
}

// faulty holds, per loss and dead share, the entries for push, pull and
// push-pull, each with fanout 1 and 3.
var faulty = []struct {
	nodes      int
	loss, dead float64
	runs       int
	entries    [6]entry
}{
	{1_000, .01, 0, 1_500, [6]entry{{18.18, 23}, {8.20, 9}, {13.96, 18}, {7.10, 8}, {9.27, 10}, {5.09, 6}}},
	{1_000, .05, 0, 1_500, [6]entry{{18.87, 24}, {8.40, 10}, {14.79, 19}, {7.27, 9}, {9.69, 11}, {5.22, 6}}},
	{1_000, .10, 0, 1_500, [6]entry{{19.71, 24}, {8.72, 10}, {15.77, 21}, {7.58, 9}, {10.23, 12}, {5.49, 6}}},
	{1_000, .30, 0, 1_500, [6]entry{{24.47, 30}, {10.39, 13}, {20.86, 27}, {9.26, 11}, {12.83, 16}, {6.33, 7}}},
	{1_000, 0, .05, 1_500, [6]entry{{18.70, 23}, {8.34, 10}, {14.70, 19}, {7.21, 9}, {9.62, 11}, {5.19, 6}}},
	{1_000, 0, .20, 1_500, [6]entry{{21.21, 27}, {9.18, 11}, {17.51, 23}, {8.09, 10}, {11.05, 13}, {5.83, 6}}},
	{1_000, .10, .20, 1_500, [6]entry{{23.20, 30}, {9.88, 12}, {19.62, 26}, {8.79, 11}, {12.12, 15}, {6.09, 7}}},
	{10_000, .30, 0, 200, [6]entry{{31.89, 38}, {13.54, 16}, {27.12, 36}, {12.00, 15}, {16.54, 20}, {8.16, 9}}},
	{10_000, .10, .20, 200, [6]entry{{30.63, 36}, {12.88, 15}, {25.52, 34}, {11.38, 14}, {15.87, 19}, {7.92, 9}}},
}

// base is a Config of one update from node 0 without faults.
func base(nodes, fanout int, protocol Protocol, trials int) Config {
	return Config{Nodes: nodes, Fanout: fanout, Protocol: protocol, Trials: trials, Updates: 1, Seed: 1}
}

func faultlessCells() []cell {
	var cells []cell
	for _, row := range faultless {
		for i, e := range row.fanout {
			cells = append(cells, cell{base(row.nodes, i+1, row.protocol, 1), e.mean, e.p99, row.runs})
		}
	}
	return cells
}

func faultyCells() []cell {
	var cells []cell
	for _, row := range faulty {
		for i, e := range row.entries {
			cfg := base(row.nodes, 1+2*(i%2), Protocol(i/2), 1)
			cfg.Loss, cfg.Dead = row.loss, row.dead
			cells = append(cells, cell{cfg, e.mean, e.p99, row.runs})
		}
	}
	return cells
}

func (c cell) String() string {
	return fmt.Sprintf("%v/n=%d/k=%d/loss=%g/dead=%g", c.cfg.Protocol, c.cfg.Nodes, c.cfg.Fanout, c.cfg.Loss, c.cfg.Dead)
}

// spread is the standard deviation of the rounds, from the exact chain of a
// hundred nodes: the luck of the first and of the last few nodes makes it, not
// those between, so that it hardly depends on n.
func (c cell) spread() float64 {
	cfg := c.cfg
	cfg.Nodes = min(cfg.Nodes, 100)
	if known, ok := spreads.Load(cfg); ok {
		return known.(float64)
	}
	p := Predict(cfg)
	variance, before := 0.0, 0.0
	for t, by := range p.AllBy {
		variance += (by - before) * (float64(t) - p.Rounds) * (float64(t) - p.Rounds)
		before = by
	}
	// At hundreds of thousands of nodes it may by chance be all or nothing
	// whether one more round is needed; a coin's deviation is one half.
	deviation := max(math.Sqrt(variance), 0.5)
	spreads.Store(cfg, deviation)
	return deviation
}

// spreads keeps what spread computed, by Config: cells of different size share
// one chain.
var spreads sync.Map

// shown is the half-width of the 99 % interval of our mean that every cell has
// with enough effort: less would say nothing about a table of two decimals from
// few runs.
const shown = 0.1

// half is the half-width that a run without -effort is content with: 0.12 leaves
// 0.13 of the tolerance for the error of both. Larger cells cost too much for it:
// of a million nodes one trial is played.
func (c cell) half() float64 {
	switch faulty := c.cfg.Loss+c.cfg.Dead > 0; {
	case c.cfg.Nodes >= 1_000_000:
		return z99 * c.spread()
	case c.cfg.Nodes >= 10_000 && faulty:
		return 0.4
	}
	return 0.12
}

// needs is how many trials give the mean that half-width.
func (c cell) needs(half float64) float64 { return math.Pow(z99*c.spread()/half, 2) }

// play runs the trials of a cell: times the effort asked for, until the interval
// is as narrow as shown.
func (c cell) play(t *testing.T) *Result {
	t.Helper()
	n := c.needs(c.half())
	c.cfg.Trials = max(1, int(math.Ceil(max(n, min(n**effort, c.needs(shown))))))
	result, err := Run(t.Context(), c.cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// tolerance is how far a simulated mean may lie from the table's.
func (c cell) tolerance() float64 {
	if c.cfg.Nodes < 100 {
		return 0.4
	}
	return 0.25
}

// reproduce fails the test unless the cell is reproduced: the whole 99 %
// interval around our mean lies within the tolerance of the table's.
//
// The table's larger cells come from few runs themselves, down to twelve, and
// their own 99 % interval is up to four times the tolerance; we play one trial of
// a million nodes. There the difference may also be no more than both samples
// leave open. With -v each cell is logged as a row of the table in
// docs/simulator.md.
func (c cell) reproduce(t *testing.T) {
	sd, r := c.spread(), c.play(t)
	off, half := math.Abs(r.Rounds.Mean()-c.mean), z99*sd/math.Sqrt(float64(r.Done))
	if r.Done >= 30 { // enough to know the deviation from
		half = z99 * r.Rounds.Error()
	}
	theirs := z99 * sd / math.Sqrt(float64(c.runs))
	within := off+half <= c.tolerance()
	t.Logf("CELL | %d | %g, %g | %v | %d | %.2f ± %.2f | %.2f ± %.2f | %d | %.2f |",
		c.cfg.Nodes, c.cfg.Loss, c.cfg.Dead, c.cfg.Protocol, c.cfg.Fanout, c.mean, theirs, r.Rounds.Mean(), half, r.Done, off+half)
	if !within && (c.cfg.Nodes <= 1_000 || off > math.Hypot(half, theirs)) {
		t.Errorf("%d trials: mean %.3f ± %.3f, want %.2f ± %.2f, itself ± %.2f", r.Done, r.Rounds.Mean(), half, c.mean, c.tolerance(), theirs)
	}
	if off := r.Rounds.Quantile(.99) - c.p99; c.cfg.Nodes <= 1_000 && (off < -1 || off > 1) {
		t.Errorf("%d trials: p99 %d, want %d ± 1", r.Done, r.Rounds.Quantile(.99), c.p99)
	}
}

// skipIfLarge leaves a million nodes to runs that have the time, and all but the
// small tables to runs without the race detector: the trials share nothing that
// grows with the number of nodes, and cost ten times as much under it.
func (c *cell) skipIfLarge(t *testing.T) {
	t.Helper()
	switch n := c.cfg.Nodes; {
	case testing.Short() && n > 100_000:
		t.Skip("a million nodes")
	case raceDetector && n > 100:
		t.Skip("a large table under the race detector")
	}
}

func TestTableWithoutFaultsIsReproduced(t *testing.T) {
	for _, c := range faultlessCells() {
		t.Run(c.String(), func(t *testing.T) {
			c.skipIfLarge(t)
			t.Parallel()
			c.reproduce(t)
		})
	}
}

func TestTableWithLossAndDeadNodesIsReproduced(t *testing.T) {
	for _, c := range faultyCells() {
		t.Run(c.String(), func(t *testing.T) {
			c.skipIfLarge(t)
			t.Parallel()
			c.reproduce(t)
		})
	}
}

// The mean field's errors from a hundred nodes up, as the table's source states
// them, plus what the table's own runs leave open.
func TestMeanFieldIsAsGoodAsStated(t *testing.T) {
	stated := map[Protocol]float64{Push: 0.23, PushPull: 0.19, Pull: 0.70}
	for _, c := range append(faultlessCells(), faultyCells()...) {
		if c.cfg.Nodes < 100 {
			continue
		}
		_, allBy, _ := meanField(c.cfg)
		open := z99 * c.spread() / math.Sqrt(float64(c.runs))
		if off := math.Abs(expectedRounds(allBy) - c.mean); off > stated[c.cfg.Protocol]+open {
			t.Errorf("%v: off by %.3f, want at most %.2f + %.3f", c, off, stated[c.cfg.Protocol], open)
		}
	}
}

func TestExactChainGivesTheTableForSmallClusters(t *testing.T) {
	for _, c := range faultlessCells() {
		if c.cfg.Nodes > 100 {
			continue
		}
		p := Predict(c.cfg)
		if !p.Exact {
			t.Fatalf("%v: no exact chain", c)
		}
		// Half a unit of the last digit printed, and the table's own error.
		open := 0.005 + z99*c.spread()/math.Sqrt(float64(c.runs))
		if math.Abs(p.Rounds-c.mean) > open {
			t.Errorf("%v: exact %.4f, table %.2f ± %.4f", c, p.Rounds, c.mean, open)
		}
		if p.Quantile(.99) != c.p99 {
			t.Errorf("%v: exact p99 %d, table %d", c, p.Quantile(.99), c.p99)
		}
	}
}

func TestPayloadsPerNodeAreThoseOfTheTable(t *testing.T) {
	want := map[Protocol][5]float64{
		Push:     {7.98, 8.46, 9.03, 9.84, 9.91},
		Pull:     {1.00, 1.26, 1.50, 1.72, 1.95},
		PushPull: {3.41, 4.26, 4.91, 7.17, 5.98},
	}
	for protocol, copies := range want {
		for i, c := range copies {
			r, err := Run(t.Context(), base(1_000, i+1, protocol, 100), nil)
			if err != nil {
				t.Fatal(err)
			}
			// A trial's cost varies by about its fanout, a saturated round.
			if open := z99*float64(i+1)/math.Sqrt(100) + 0.01; math.Abs(r.CopiesPerNode()-c) > open {
				t.Errorf("%v fanout %d: %.3f payloads per node, want %.2f ± %.2f", protocol, i+1, r.CopiesPerNode(), c, open)
			}
		}
	}
}

func TestLowerBoundRow(t *testing.T) {
	rows := map[int][5]int{
		7: {3, 2, 2, 2, 2}, 100: {7, 5, 4, 3, 3}, 1_000: {10, 7, 5, 5, 4},
		10_000: {14, 9, 7, 6, 6}, 1_000_000: {20, 13, 10, 9, 8},
	}
	for n, want := range rows {
		for i, rounds := range want {
			if got := lowerBound(n, i+1); got != rounds {
				t.Errorf("lowerBound(%d, %d) = %d, want %d", n, i+1, got, rounds)
			}
		}
	}
}
