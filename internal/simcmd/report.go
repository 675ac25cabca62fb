package simcmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// summary is the first sentence of a scenario's comment.
func summary(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	sentence, _, _ := strings.Cut(strings.Join(words, " "), ". ")
	return strings.TrimSuffix(sentence, ".")
}

// title says what was simulated, in one line.
func (c *Cluster) title() string {
	seeds := fmt.Sprintf("random seed %d", c.Seed)
	if c.Seeds > 1 {
		seeds = fmt.Sprintf("random seeds %d to %d", c.Seed, c.Seed+uint64(c.Seeds)-1)
	}
	parts := append([]string{c.script.Name}, c.conditions(*c.Nodes)...)
	if c.Dead > 0 {
		parts = append(parts, "dead "+tabular.Percent(float64(c.Dead)))
	}
	return strings.Join(append(parts, seeds), " · ")
}

// print writes the report. The error, which follows it, says in what it is not as
// it should be.
func (c *Cluster) print(w io.Writer, results []*scenario.Result, err error) error {
	switch {
	case c.JSON:
		return tabular.WriteJSON(w, c.document(results))
	case c.CSV:
		return c.writeCSV(w, results)
	}
	p := &tabular.Printer{W: w}
	p.Printf("%s\n", c.title())
	switch {
	case len(results) < c.Seeds:
		p.Printf("stopped early: what follows is of %d of %d seeds\n", len(results), c.Seeds)
	case errors.Is(err, meter.ErrInterrupted):
		p.Printf("%v: what follows is of the time until then\n", err)
	case err != nil:
		p.Printf("not as it should be: see the error\n")
	}
	if c.Seeds == 1 {
		p.Printf("\n%s\n%s", story(results[0]), c.single(results[0]))
	} else {
		p.Printf("\n%s", c.many(results))
	}
	p.Printf("\n%s", notes(results))
	return p.Err
}

// storyMax bounds the lines of a story: two screens.
const storyMax = 60

// story is what the script did, and what came of it, in order. What it did again
// and again takes one line.
func story(r *scenario.Result) string {
	var b strings.Builder
	for i, lines := 0, 0; i < len(r.Log); lines++ {
		if lines == storyMax {
			fmt.Fprintf(&b, "%12s  and %d more\n", "", len(r.Log)-i)
			break
		}
		first, last := r.Log[i], i
		for last+1 < len(r.Log) && r.Log[last+1].Text == first.Text {
			last++
		}
		again := ""
		if times := last - i + 1; times > 1 {
			again = fmt.Sprintf(", %d times until %.3f s", times, r.Log[last].At.Seconds())
		}
		fmt.Fprintf(&b, "%10.3f s  %s%s\n", first.At.Seconds(), first.Text, again)
		i = last + 1
	}
	return b.String()
}

// single is the figures of one run.
func (c *Cluster) single(r *scenario.Result) *tabular.Table {
	t := &tabular.Table{}
	t.Row("all views right at the end", tabular.YesNo(r.Converged))
	for _, q := range applicable([]*scenario.Result{r}) {
		t.Row(q.label, tabular.Fixed(q.of(r), q.decimals))
	}
	for _, w := range r.Windows {
		t.Row(fmt.Sprintf("%s: packets per node and second", w.Name), tabular.Fixed(w.PacketsPerNode(), 3))
		t.Row(fmt.Sprintf("%s: payload bytes per node and second", w.Name), tabular.Fixed(w.BytesPerNode(), 1))
	}
	t.Row("checks of invariants, none violated", tabular.Grouped(int(checks(r))))
	t.Row("trace hash", hash(r.Hash))
	return t
}

// checks is how often an invariant was checked.
func checks(r *scenario.Result) (sum uint64) {
	for _, k := range r.Checks {
		sum += k.Count
	}
	return sum
}

func hash(h uint64) string { return fmt.Sprintf("%016x", h) }

// many is the spread of each figure over the seeds.
func (c *Cluster) many(results []*scenario.Result) *tabular.Table {
	t := &tabular.Table{}
	t.Row("", "min", "p50", "p99", "max")
	for _, q := range applicable(results) {
		values := q.over(results)
		t.Row(q.label, tabular.Fixed(values[0], q.decimals), tabular.Fixed(quantile(values, .5), q.decimals),
			tabular.Fixed(quantile(values, .99), q.decimals), tabular.Fixed(values[len(values)-1], q.decimals))
	}
	right := 0
	var checked uint64
	for _, r := range results {
		checked += checks(r)
		if r.Converged {
			right++
		}
	}
	t.Row("seeds with all views right at the end", fmt.Sprintf("%d of %d", right, len(results)))
	t.Row("checks of invariants, none violated", tabular.Grouped(int(checked)))
	t.Row("trace hash, of all", hash(hashOf(results)))
	return t
}

// hashOf folds the hashes of the seeds, in their order (FNV-1a on words).
func hashOf(results []*scenario.Result) uint64 {
	if len(results) == 1 {
		return results[0].Hash
	}
	h := uint64(14695981039346656037)
	for _, r := range results {
		h = (h ^ r.Hash) * 1099511628211
	}
	return h
}

// notes says what figures mean that can be misread.
func notes(results []*scenario.Result) string {
	text := "bytes are payloads before sealing, without headers of UDP and IP; – is what did not happen\n"
	if results[0].Events != nil {
		text += "an event goes to delegates, who answer for their part of the members; what they miss is repaired; a chunk is part of a copy\n"
	}
	if results[0].Writes != nil {
		text += "a write is an owned fact: gossip carries it, and anti-entropy repairs what gossip missed\n"
	}
	if len(results[0].Detections) > 1 {
		text += "of several nodes that stopped, detection is that of the slowest\n"
	}
	return text
}

// nodeHours is the virtual time of all nodes together.
func nodeHours(r *scenario.Result) float64 { return r.Traffic.NodeSeconds / time.Hour.Seconds() }
