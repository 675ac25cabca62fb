package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// expect is a condition that must hold, within some time.
type expect struct {
	condition
	text   string
	within time.Duration
}

// condition is something that holds or not; seen says what is the case.
type condition interface {
	holds(r *runner) bool
	seen(r *runner) string
}

func readExpect(p *parser) action {
	tokens := p.tokens
	e := &expect{condition: p.condition()}
	text := tokens[:len(tokens)-len(p.tokens)]
	if p.accept("within") {
		e.within = p.duration("a duration")
	}
	if p.err == nil {
		e.text = joined(text)
	}
	return e
}

// joined puts a condition together again.
func joined(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		tight := t.text == "," || t.text == "}" || i > 0 && tokens[i-1].text == "{"
		if i > 0 && !tight {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return b.String()
}

func (p *parser) condition() condition {
	t := p.next("a condition such as converged")
	switch {
	case p.err != nil:
		return nil
	case t.text == "converged":
		return converged{}
	case t.text == "agreed":
		return agreed{}
	case t.text == "reached":
		return reached(p.share("a share"))
	case believable[t.text] != 0:
		return &believed{believable[t.text], p.set()}
	case figures[t.text] != nil:
		return p.comparison(t.text)
	}
	known := append(sortedKeys(figures), "converged", "agreed", "reached", "alive", "dead", "left")
	p.failAt(t.column, "unknown condition %q%s", t.text, suggest(t.text, known))
	return nil
}

type converged struct{}

func (converged) holds(r *runner) bool { return r.ledger.converged() }

func (converged) seen(r *runner) string { return r.ledger.disagreement() }

type agreed struct{}

func (agreed) holds(r *runner) bool {
	var root uint64
	first := true
	for i := range r.n {
		if !r.ledger.active(i) {
			continue
		}
		mine := r.cluster.Machine(i).Root()
		if !first && mine != root {
			return false
		}
		root, first = mine, false
	}
	return true
}

func (agreed) seen(r *runner) string {
	roots := make(map[uint64]int)
	for i := range r.n {
		if r.ledger.active(i) {
			roots[r.cluster.Machine(i).Root()]++
		}
	}
	return fmt.Sprintf("%d different roots among %d nodes", len(roots), r.ledger.actives)
}

// payloads are all whose spread is measured.
func (r *runner) payloads() []*payload {
	return slices.Concat(r.facts.payloads, r.events.payloads)
}

// copies is how often a payload was sent per live node.
func (r *runner) copies() float64 {
	count := len(r.facts.payloads) + len(r.events.payloads)
	return (r.facts.sumCopies() + r.events.sumCopies()) / float64(max(count, 1))
}

// reached is the share of live nodes that must know every payload.
type reached float64

func (share reached) holds(r *runner) bool {
	payloads := r.payloads()
	for _, p := range payloads {
		if float64(p.knows) < float64(share)*float64(len(p.live)) {
			return false
		}
	}
	return len(payloads) > 0
}

func (share reached) seen(r *runner) string {
	payloads := r.payloads()
	if len(payloads) == 0 {
		return "nothing was broadcast or written"
	}
	least, of := 0, 0
	for i, p := range payloads {
		if i == 0 || p.knows*of < least*len(p.live) {
			least, of = p.knows, len(p.live)
		}
	}
	return fmt.Sprintf("%d of %d live nodes know it", least, of)
}

// believable are the states that may be expected.
var believable = map[string]member.State{"alive": member.Alive, "dead": member.Dead, "left": member.Left}

// believed is a state that some must be in to all others.
type believed struct {
	state member.State
	set   set
}

func (b *believed) holds(r *runner) bool {
	ok, _ := b.count(r)
	return ok
}

// count reports whether all believe it, and says who does not, or that none is
// meant.
func (b *believed) count(r *runner) (bool, string) {
	subjects := b.set.nodes(r)
	if len(subjects) == 0 {
		return false, "the set is empty"
	}
	asked, off := 0, 0
	example := ""
	for i := range r.n {
		if _, meant := slices.BinarySearch(subjects, i); meant || !r.ledger.active(i) {
			continue
		}
		asked++
		for _, s := range subjects {
			if got := r.cluster.StateOf(i, s); got != b.state {
				if off++; example == "" {
					example = fmt.Sprintf("node %d is %s to node %d", s+1, stateName(got), i+1)
				}
				break
			}
		}
	}
	if off == 0 {
		return true, ""
	}
	return false, fmt.Sprintf("%d of %d nodes say otherwise: %s", off, asked, example)
}

func stateName(s member.State) string {
	if s == 0 {
		return "unknown"
	}
	return s.String()
}

func (b *believed) seen(r *runner) string {
	_, why := b.count(r)
	return why
}

// figures are what may be compared with a number.
var figures = map[string]func(*runner) float64{
	"false-positives": func(r *runner) float64 { return float64(r.ledger.falsePositives) },
	"suspicions":      func(r *runner) float64 { return float64(r.ledger.suspicions) },
	"verdicts":        func(r *runner) float64 { return float64(r.ledger.verdicts) },
	"copies":          (*runner).copies,
	"missed":          func(r *runner) float64 { return float64(r.events.missed) },
	"refused":         func(r *runner) float64 { return float64(r.events.refused) },
	"packets":         func(r *runner) float64 { return r.traffic.since(&r.base).PacketsPerNode() },
	"bytes":           func(r *runner) float64 { return r.traffic.since(&r.base).BytesPerNode() },
}

var comparisons = map[string]func(a, b float64) bool{
	"<":  func(a, b float64) bool { return a < b },
	"<=": func(a, b float64) bool { return a <= b },
	"=":  func(a, b float64) bool { return a == b },
	">=": func(a, b float64) bool { return a >= b },
	">":  func(a, b float64) bool { return a > b },
}

// compared is a figure against a number.
type compared struct {
	figure, operator string
	number           float64
}

func (p *parser) comparison(figure string) condition {
	op := p.next("<, <=, =, >= or >")
	if p.err == nil && comparisons[op.text] == nil {
		p.failAt(op.column, "want <, <=, =, >= or >, found %q", op.text)
	}
	t := p.next("a number")
	v, err := strconv.ParseFloat(t.text, 64)
	if p.err == nil && (err != nil || v != v) {
		p.failAt(t.column, "%q is no number", t.text)
	}
	return &compared{figure, op.text, v}
}

func (c *compared) holds(r *runner) bool {
	return comparisons[c.operator](figures[c.figure](r), c.number)
}

func (c *compared) seen(r *runner) string {
	return fmt.Sprintf("%s is %s", c.figure, strconv.FormatFloat(figures[c.figure](r), 'g', 6, 64))
}
