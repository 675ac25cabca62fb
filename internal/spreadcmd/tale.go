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

// taleTrials is the tabular.Number of runs behind the averages shown beside a single
// small run: a percent at worst, in a few milliseconds.
const taleTrials = 10_000

// tale is a small run node by node, and what such runs do on average in either
// order.
type tale struct {
	cfg      epidemic.Config
	chapters []epidemic.Chapter
	other    []epidemic.Chapter // the same random seed in the other order
	turn     *epidemic.Result
	sync     *epidemic.Result
	theory   epidemic.Prediction
}

func tell(ctx context.Context, cfg epidemic.Config) (*tale, error) {
	t := &tale{cfg: cfg, theory: epidemic.Predict(cfg)}
	var err error
	if t.chapters, err = epidemic.Tell(ctx, cfg); err != nil {
		return nil, err
	}
	flipped := cfg
	flipped.Order = epidemic.Turn - cfg.Order
	if t.other, err = epidemic.Tell(ctx, flipped); err != nil {
		return nil, err
	}
	many := cfg
	many.Trials = taleTrials
	many.Order = epidemic.Turn
	if t.turn, err = epidemic.Run(ctx, many, nil); err != nil {
		return nil, err
	}
	many.Order = epidemic.Sync
	if t.sync, err = epidemic.Run(ctx, many, nil); err != nil {
		return nil, err
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
	p.Printf("\n%s\n%s", t.orders(), t.closing())
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

// orders shows both orders, averaged, and the theory.
func (t *tale) orders() *tabular.Table {
	g := &tabular.Table{}
	g.Row("", "informed", "", "", "all know", "", "")
	g.Row("round", "turn", "sync", "theory", "turn", "sync", "theory")
	turn, sync := t.turn.Informed(), t.sync.Informed()
	for round := range max(len(turn), len(sync)) {
		g.Row(fmt.Sprint(round),
			tabular.Percent(turn[min(round, len(turn)-1)]), tabular.Percent(sync[min(round, len(sync)-1)]), tabular.Percent(t.theory.InformedAt(round)),
			tabular.Percent(t.turn.AllBy(round)), tabular.Percent(t.sync.AllBy(round)), tabular.Percent(t.theory.AllByAt(round)))
	}
	return g
}

func (t *tale) closing() string {
	var out strings.Builder
	fmt.Fprintf(&out, "turn and sync: means of %s each; theory describes sync", tabular.Grouped(taleTrials)+" runs")
	if t.theory.Exact {
		out.WriteString(" and is the exact Markov chain")
	} else {
		out.WriteString(" and is mean field")
	}
	fmt.Fprintf(&out, "\ncopies per node and update: turn %s, sync %s, theory %s; in sync nothing is faster than %s\n",
		tabular.Fixed(t.turn.CopiesPerNode(), 2), tabular.Fixed(t.sync.CopiesPerNode(), 2), tabular.Fixed(t.theory.Copies, 2),
		plural(t.theory.LowerBound, "round"))
	if t.cfg.Dead > 0 {
		out.WriteString("×: the node was down\n")
	}
	return out.String()
}
