package spreadcmd

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"strings"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// taleTrials is the number of runs behind the averages shown beside a single
// small run: a percent at worst, in a few milliseconds.
const taleTrials = 10_000

// tale is a small run node by node, and what such runs do on average in either
// order.
type tale struct {
	cfg      epidemic.Config
	chapters []epidemic.Chapter
	other    []epidemic.Chapter // the same random seed in the other order
	versions [2]version         // turn, then sync
}

// version is a small cluster in one order.
type version struct {
	chapters []epidemic.Chapter
	result   *epidemic.Result // of many runs
	theory   epidemic.Prediction
}

func tell(ctx context.Context, cfg epidemic.Config) (*tale, error) {
	t := &tale{cfg: cfg}
	for i, order := range []epidemic.Order{epidemic.Turn, epidemic.Sync} {
		cfg.Order = order
		v := version{theory: epidemic.Predict(cfg)}
		var err error
		if v.chapters, err = epidemic.Tell(ctx, cfg); err != nil {
			return nil, err
		}
		many := cfg
		many.Trials = taleTrials
		if v.result, err = epidemic.Run(ctx, many, nil); err != nil {
			return nil, err
		}
		t.versions[i] = v
		if order == t.cfg.Order {
			t.chapters = v.chapters
		} else {
			t.other = v.chapters
		}
	}
	return t, nil
}

// write prints the run, then both orders side by side.
func (t *tale) write(w io.Writer) error {
	p := &tabular.Printer{W: w}
	p.Printf("%s\n", title(t.cfg))
	p.Printf("%s\n", t.opening())
	for _, chapter := range t.chapters {
		p.Printf("\n%s", t.chapter(chapter))
	}
	p.Printf("\nthe same in order %v, after each round\n%s", epidemic.Turn-t.cfg.Order, t.grid(t.other))
	p.Printf("\n%s\n%s", t.compared(), t.closing())
	return p.Err
}

// opening explains the order of the run and where updates start.
func (t *tale) opening() string {
	order := "order sync: all nodes act at once on what they knew when the round began"
	if t.cfg.Order == epidemic.Turn {
		order = "order turn: nodes act one after another and pass on what reached them earlier in the same round"
	}
	var starts []string
	for u := range t.cfg.Updates {
		starts = append(starts, fmt.Sprintf("%s at %s", updateName(u), nodeName((t.cfg.Start+u)%t.cfg.Nodes)))
	}
	return order + "\nupdates: " + strings.Join(starts, ", ")
}

// updateName is the letter of an update.
func updateName(u int) string { return string(rune('a' + u)) }

// updateNames lists the updates of a set, or a dot if there are none.
func updateNames(set uint64) string {
	if set == 0 {
		return "·"
	}
	var names strings.Builder
	for ; set != 0; set &= set - 1 {
		names.WriteString(updateName(bits.TrailingZeros64(set)))
	}
	return names.String()
}

// chapter is one round: who told whom, then what every node knows.
func (t *tale) chapter(c epidemic.Chapter) string {
	var out strings.Builder
	if c.Round == 0 {
		out.WriteString("before round 1\n")
	} else {
		fmt.Fprintf(&out, "round %d\n", c.Round)
	}
	for i := 0; i < len(c.Sent); {
		from, told := c.Sent[i].From, []string(nil)
		for ; i < len(c.Sent) && c.Sent[i].From == from; i++ {
			told = append(told, t.contact(c.Sent[i]))
		}
		fmt.Fprintf(&out, "  %s told %s\n", nodeName(from), strings.Join(told, ", "))
	}
	out.WriteString(t.grid([]epidemic.Chapter{c}).String())
	return out.String()
}

// grid shows what every node knows, a row per round.
func (t *tale) grid(chapters []epidemic.Chapter) *tabular.Table {
	grid := &tabular.Table{}
	head := []string{"  node"}
	for i := range t.cfg.Nodes {
		head = append(head, nodeName(i))
	}
	grid.Row(head...)
	for _, c := range chapters {
		row := []string{"  knows"}
		if len(chapters) > 1 {
			row[0] = fmt.Sprintf("  %d", c.Round)
		}
		knowing := 0
		for i, set := range c.Knows {
			cell := updateNames(set)
			if c.Down[i] {
				cell += "×"
			}
			row = append(row, cell)
			if bits.OnesCount64(set) == t.cfg.Updates {
				knowing++
			}
		}
		grid.Row(append(row, fmt.Sprintf("%d of %d", knowing, t.cfg.Live()))...)
	}
	return grid
}

// contact is one receiver, with what was news to it if updates differ.
func (t *tale) contact(c epidemic.Contact) string {
	name := nodeName(c.To)
	switch {
	case c.Lost:
		return name + " (lost)"
	case c.Fresh == 0:
		return name + " (knew)"
	case t.cfg.Updates > 1:
		return name + " " + updateNames(c.Fresh)
	default:
		return name
	}
}

// compared shows both orders, averaged, each beside its theory if it has one.
func (t *tale) compared() *tabular.Table {
	g := &tabular.Table{}
	groups, heads := []string{""}, []string{"round"}
	for _, group := range []string{"informed", "all know"} {
		for i, v := range t.versions {
			name := v.result.Config.Order.String()
			groups, heads = append(groups, ""), append(heads, name)
			if i == 0 {
				groups[len(groups)-1] = group
			}
			if v.ownTheory() {
				groups, heads = append(groups, ""), append(heads, "theory")
			}
		}
	}
	g.Row(groups...)
	g.Row(heads...)
	turn, sync := informed(t.versions[0].result), informed(t.versions[1].result)
	for round := range max(len(turn), len(sync)) {
		row := []string{fmt.Sprint(round)}
		for _, group := range []func(version) (float64, float64){
			func(v version) (float64, float64) {
				shares := v.result.Informed()
				return shares[min(round, len(shares)-1)], v.theory.InformedAt(round)
			},
			func(v version) (float64, float64) { return v.result.AllBy(round), v.theory.AllByAt(round) },
		} {
			for _, v := range t.versions {
				simulated, theory := group(v)
				row = append(row, tabular.Percent(simulated))
				if v.ownTheory() {
					row = append(row, tabular.Percent(theory))
				}
			}
		}
		g.Row(row...)
	}
	return g
}

// ownTheory reports whether the theory is that of the order.
func (v *version) ownTheory() bool { return v.theory.Order == v.result.Config.Order }

func (t *tale) closing() string {
	var out strings.Builder
	fmt.Fprintf(&out, "turn and sync: means of %s each\n", tabular.Plural(taleTrials, "run"))
	for _, v := range t.versions {
		order := v.result.Config.Order
		if v.ownTheory() {
			fmt.Fprintf(&out, "theory beside %v: %s of order %v\n", order, theName(&v.theory), order)
		} else {
			fmt.Fprintf(&out, "order %v has no theory %s: the one shown describes sync\n", order, whyNoTurn(t.cfg))
		}
	}
	out.WriteString("copies per node and update:")
	for i, v := range t.versions {
		if i > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(&out, " %v %s", v.result.Config.Order, tabular.Fixed(v.result.CopiesPerNode(), 2))
		if v.ownTheory() {
			fmt.Fprintf(&out, " (theory %s)", tabular.Fixed(v.theory.Copies, 2))
		}
	}
	bound := tabular.Plural(t.versions[1].theory.LowerBound, "round")
	if asks(t.cfg.Protocol) {
		fmt.Fprintf(&out, "\nin order sync push is never faster than %s; %v may be\n", bound, t.cfg.Protocol)
	} else {
		fmt.Fprintf(&out, "\nin order sync nothing that only pushes is faster than %s\n", bound)
	}
	if t.cfg.Dead > 0 {
		out.WriteString("×: the node was down\n")
	}
	return out.String()
}

// theName names a method in a sentence.
func theName(p *epidemic.Prediction) string {
	if p.Exact {
		return "the exact Markov chain"
	}
	return "mean field"
}
