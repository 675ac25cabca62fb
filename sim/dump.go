package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearsay-gossip/hearsay/member"
)

const (
	// factsShown bounds the facts in a dump: two screens.
	factsShown = 50
	// valueShown bounds the bytes of a value in a dump.
	valueShown = 40
)

// Dump returns the state of the lab for people, nodes of one view together:
// which nodes run, which links are cut, whom they hold to be what, and who sees
// which facts.
func (l *Lab) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "at %v, random seed %d, trace hash %016x\n", l.Now(), l.cluster.seed, l.Hash())
	var nodes, cuts, views groups
	for i := range l.nodes {
		nodes.add(l.status(i), i)
		if out := l.cutFrom(i); out != nil {
			cuts.add("to "+l.names(out), i)
		}
		if l.cluster.Machine(i) != nil {
			views.add(l.view(i), i)
		}
	}
	l.section(&b, "nodes", &nodes)
	l.section(&b, "cuts", &cuts)
	l.section(&b, "views", &views)
	l.dumpFacts(&b)
	return b.String()
}

// section writes one line for each group, if there is any.
func (l *Lab) section(b *strings.Builder, title string, g *groups) {
	if len(g.words) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	for _, word := range g.words {
		fmt.Fprintf(b, "\t%s: %s\n", l.names(g.nodes[word]), word)
	}
}

// status says in a word whether a node runs.
func (l *Lab) status(i int) string {
	switch n := l.nodes[i]; {
	case n == nil:
		return "not started"
	case n.closed:
		return "down"
	case n.paused():
		return "paused"
	case n.leaving != nil:
		return "said goodbye"
	}
	return "running"
}

func (l *Lab) cutFrom(i int) []int {
	var out []int
	for to := range l.nodes {
		if !l.cluster.Open(i, to) {
			out = append(out, to)
		}
	}
	return out
}

// view says whom a node holds to be what.
func (l *Lab) view(observer int) string {
	var g groups
	for i := range l.nodes {
		state := "unknown"
		if s := l.cluster.StateOf(observer, i); s.Valid() {
			state = s.String()
		}
		g.add(state, i)
	}
	slices.Sort(g.words) // alive comes first, unknown last
	for i, word := range g.words {
		g.words[i] = word + " " + l.names(g.nodes[word])
	}
	return strings.Join(g.words, "; ")
}

func (l *Lab) dumpFacts(b *strings.Builder) {
	shown := 0
	for owner := range l.nodes {
		for _, key := range l.keys(l.cluster.ID(owner)) {
			switch shown++; {
			case shown == 1:
				b.WriteString("facts:\n")
				fallthrough
			case shown <= factsShown:
				fmt.Fprintf(b, "\t%s %s: %s\n", l.cluster.Name(owner), key, l.fact(owner, key))
			}
		}
	}
	if shown > factsShown {
		fmt.Fprintf(b, "\tand %d more\n", shown-factsShown)
	}
}

// keys returns the keys of an owner that anybody holds, in order.
func (l *Lab) keys(owner member.NodeID) []string {
	found := make(map[string]bool)
	for _, n := range l.Running() {
		n.machine.EachFact(owner, func(key string, _ []byte) { found[key] = true })
	}
	return slices.Sorted(maps.Keys(found))
}

// fact says who sees which value.
func (l *Lab) fact(owner int, key string) string {
	id := l.cluster.ID(owner)
	var g groups
	for _, n := range l.Running() {
		value, found := visible(n.machine, id, key)
		g.add(quoted(value, found), n.index)
	}
	if len(g.words) == 1 {
		return g.words[0] + " everywhere"
	}
	for i, word := range g.words {
		g.words[i] = word + " at " + l.names(g.nodes[word])
	}
	return strings.Join(g.words, "; ")
}

// quoted returns a value for people.
func quoted(value []byte, found bool) string {
	switch {
	case !found:
		return "nothing"
	case len(value) > valueShown:
		return fmt.Sprintf("%q… (%d bytes)", value[:valueShown], len(value))
	}
	return fmt.Sprintf("%q", value)
}

// groups collects nodes under what is said of them.
type groups struct {
	words []string // in order of their first node
	nodes map[string][]int
}

func (g *groups) add(word string, node int) {
	if g.nodes == nil {
		g.nodes = make(map[string][]int)
	}
	if g.nodes[word] == nil {
		g.words = append(g.words, word)
	}
	g.nodes[word] = append(g.nodes[word], node)
}

// names lists nodes, in ascending order, by name: "n0, n3..n9".
func (l *Lab) names(nodes []int) string {
	var parts []string
	for i := 0; i < len(nodes); {
		last := i
		for last+1 < len(nodes) && nodes[last+1] == nodes[last]+1 {
			last++
		}
		switch name := string(l.cluster.Name(nodes[i])); {
		case last > i+1:
			parts = append(parts, name+".."+string(l.cluster.Name(nodes[last])))
		case last == i+1:
			parts = append(parts, name, string(l.cluster.Name(nodes[last])))
		default:
			parts = append(parts, name)
		}
		i = last + 1
	}
	return strings.Join(parts, ", ")
}
