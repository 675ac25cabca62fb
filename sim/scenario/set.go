package scenario

import (
	"fmt"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/draw"
)

// set is some nodes, numbered from 0, as they are when a line is run.
type set interface {
	// nodes returns them, ascending, each once.
	nodes(r *runner) []int
	// check returns what is wrong with the set in a cluster of n; nil if nothing.
	check(n int) error
}

// last stands for n in a range.
const last = -1

// span is a range of numbers from 1, both ends included.
type span struct{ from, to int }

func (s span) resolve(n int) (from, to int) {
	from, to = s.from, s.to
	if from == last {
		from = n
	}
	if to == last {
		to = n
	}
	return from, to
}

// spans are nodes by number.
type spans []span

func (s spans) nodes(r *runner) []int {
	member := s.among(r.n)
	return r.where(func(i int) bool { return member[i] })
}

// among tells for each of n nodes whether it is one of them.
func (s spans) among(n int) []bool {
	in := make([]bool, n)
	for _, one := range s {
		from, to := one.resolve(n)
		for i := from; i <= to; i++ {
			in[i-1] = true
		}
	}
	return in
}

func (s spans) check(n int) error {
	for _, one := range s {
		from, to := one.resolve(n)
		switch {
		case from < 1 || from > n:
			return fmt.Errorf("node %d is out of range: there are 1 to %d", from, n)
		case to > n:
			return fmt.Errorf("node %d is out of range: there are 1 to %d", to, n)
		case to < from:
			return fmt.Errorf("%d..%d goes down", from, to)
		}
	}
	return nil
}

// amount is a number of nodes, or a share of them.
type amount struct {
	count   int
	share   float64
	percent bool
}

// of returns the number that the amount is of n: a share is rounded and is at
// least one, if there is any.
func (a amount) of(n int) int {
	if !a.percent {
		return min(a.count, n)
	}
	return min(max(int(a.share*float64(n)+0.5), 1), n)
}

func (a amount) check(n int) error {
	if !a.percent && a.count > n {
		return fmt.Errorf("%d is more nodes than there are: %d", a.count, n)
	}
	return nil
}

// edge is the first or the last nodes by number.
type edge struct {
	amount
	end bool
}

func (e edge) nodes(r *runner) []int {
	return r.where(func(i int) bool { return e.holds(i, r.n) })
}

// holds reports whether node i of n is among them.
func (e edge) holds(i, n int) bool {
	if e.end {
		return i >= n-e.of(n)
	}
	return i < e.of(n)
}

// chance is nodes drawn from those that are up.
type chance struct {
	amount
	among set // nil: all
}

func (c chance) nodes(r *runner) []int {
	pool := r.where(r.ledger.active)
	if c.among != nil {
		pool = slices.DeleteFunc(c.among.nodes(r), func(i int) bool { return !r.ledger.active(i) })
	}
	draw.Shuffle(r.rand, pool)
	pool = pool[:c.of(len(pool))]
	slices.Sort(pool)
	return pool
}

func (c chance) check(n int) error {
	if err := c.amount.check(n); err != nil || c.among == nil {
		return err
	}
	return c.among.check(n)
}

// named is a set of let. The parser has seen to it that it exists.
type named string

func (name named) nodes(r *runner) []int { return r.names[string(name)] }
func (name named) check(int) error       { return nil }

// byState is nodes in some state.
type byState string

// byWord are the words for sets by state.
var byWord = map[string]func(*ledger, int) bool{
	"all":    func(*ledger, int) bool { return true },
	"up":     func(l *ledger, i int) bool { return l.active(i) },
	"down":   func(l *ledger, i int) bool { return !l.up[i] },
	"frozen": func(l *ledger, i int) bool { return l.up[i] && l.frozen[i] },
}

func (s byState) nodes(r *runner) []int {
	in := byWord[string(s)]
	return r.where(func(i int) bool { return in(r.ledger, i) })
}

func (s byState) check(int) error { return nil }

// pair is two sets, the second of which may be the rest.
type pair struct {
	a, b   set
	rest   bool // b is all that are not in a
	oneWay bool
}

func (p pair) nodes(r *runner) (a, b []int) {
	a = p.a.nodes(r)
	if !p.rest {
		return a, p.b.nodes(r)
	}
	return a, r.where(func(i int) bool {
		_, in := slices.BinarySearch(a, i)
		return !in
	})
}

// apart is a pair of sets without a common node.
type apart pair

func (p apart) check(n int) error {
	a, b := fixed(p.a, n), fixed(p.b, n)
	for i := range min(len(a), len(b)) {
		if a[i] && b[i] {
			return fmt.Errorf("node %d stands on both sides", i+1)
		}
	}
	return nil
}

// fixed tells which nodes of n a set by number holds, nil if that is not known
// before the script runs, or if the set is wrong.
func fixed(s set, n int) []bool {
	if n < 1 || n > NodesMax || s.check(n) != nil {
		return nil
	}
	switch s := s.(type) {
	case spans:
		return s.among(n)
	case edge:
		in := make([]bool, n)
		for i := range in {
			in[i] = s.holds(i, n)
		}
		return in
	}
	return nil
}

// describe names nodes as people do: "3", "1..32" or "1..4, 9".
func describe(nodes []int) string {
	if len(nodes) == 0 {
		return "nobody"
	}
	const rangesMax = 6
	var out []byte
	for i, ranges := 0, 0; i < len(nodes); ranges++ {
		j := i
		for j+1 < len(nodes) && nodes[j+1] == nodes[j]+1 {
			j++
		}
		if ranges == rangesMax {
			return fmt.Sprintf("%s and %d more", out, len(nodes)-i)
		}
		if i > 0 {
			out = append(out, ", "...)
		}
		if out = fmt.Append(out, nodes[i]+1); j > i {
			out = fmt.Append(out, "..", nodes[j]+1)
		}
		i = j + 1
	}
	return string(out)
}
