package scenario

import (
	"slices"
	"strconv"
	"strings"
)

// set reads a set of nodes and notes it for [Script.Check].
func (p *parser) set() set {
	column := p.column()
	s := p.oneSet()
	if p.err == nil {
		p.operands = append(p.operands, operand{s, column})
	}
	return s
}

func (p *parser) oneSet() set {
	t := p.next("nodes, such as 3, {1..8}, any 2 or all")
	switch {
	case p.err != nil:
		return nil
	case t.quoted:
		p.failAt(t.column, "want nodes, found a text in quotes")
	case t.text == "{":
		return p.braces()
	case t.text == "first", t.text == "last":
		return edge{p.amount(), t.text == "last"}
	case t.text == "any":
		c := chance{amount: p.amount()}
		if p.accept("of") {
			c.among = p.oneSet()
		}
		return c
	case t.text == "rest":
		p.failAt(t.column, "rest stands only after | or ->")
	case byWord[t.text] != nil:
		return byState(t.text)
	case p.names[t.text]:
		return named(t.text)
	case t.text != "" && t.text[0] >= '0' && t.text[0] <= '9' || t.text == "n":
		return spans{p.span(t)}
	default:
		p.failAt(t.column, "unknown nodes %q%s", t.text, suggest(t.text, p.setNames()))
	}
	return nil
}

// setNames returns the words that a set may begin with.
func (p *parser) setNames() []string {
	known := []string{"any", "first", "last", "n", "{"}
	for name := range byWord {
		known = append(known, name)
	}
	for name := range p.names {
		known = append(known, name)
	}
	slices.Sort(known)
	return known
}

// braces reads what follows an opening brace: "1..8, 12}".
func (p *parser) braces() set {
	var s spans
	for {
		s = append(s, p.span(p.next("a node or a range such as 1..8")))
		if p.err != nil || p.accept("}") {
			return s
		}
		if c := p.column(); !p.accept(",") {
			p.failAt(c, "want , or }%s", p.found())
			return nil
		}
	}
}

// span reads "7", "1..8", "60..n" or "n".
func (p *parser) span(t token) span {
	if p.err != nil {
		return span{}
	}
	from, to, isRange := strings.Cut(t.text, "..")
	if !isRange {
		to = from
	}
	s := span{p.number(t, from), p.number(t, to)}
	if p.err == nil && s.from > s.to && s.to != last {
		p.failAt(t.column, "%s goes down", t.text)
	}
	return s
}

func (p *parser) number(t token, text string) int {
	if text == "n" {
		return last
	}
	v, err := strconv.Atoi(text)
	if err != nil || t.quoted {
		p.failAt(t.column, "%q is no node: want a number, n, or a range such as 1..8", t.text)
	} else if v < 1 {
		p.failAt(t.column, "node %d is out of range: the first is 1", v)
	}
	return v
}

// amount reads "3" or "25%".
func (p *parser) amount() amount {
	t := p.next("a number of nodes such as 3 or 25%")
	if p.err != nil {
		return amount{}
	}
	if strings.HasSuffix(t.text, "%") {
		share, err := ParseShare(t.text)
		if err != nil {
			p.failAt(t.column, "%v", err)
		}
		return amount{share: share, percent: true}
	}
	k, err := strconv.Atoi(t.text)
	if err != nil || k < 1 {
		p.failAt(t.column, "%q is no number of nodes: want one from 1, or a share such as 25%%", t.text)
	}
	return amount{count: k}
}

// pair reads two sets and what stands between them. Where one is read already,
// it is given.
func (p *parser) pair() pair {
	both := pair{a: p.set()}
	switch c := p.column(); {
	case p.accept("->"):
		both.oneWay = true
	case !p.accept("|"):
		p.failAt(c, "want | or -> and other nodes%s", p.found())
	}
	if both.rest = p.accept("rest"); !both.rest {
		both.b = p.set()
	}
	return both
}

// sides reads a pair whose sets have no node in common, as far as that can be told
// before the script runs.
func (p *parser) sides() pair {
	both := p.pair()
	if k := len(p.operands); p.err == nil && !both.rest {
		p.operands = append(p.operands, operand{apart(both), p.operands[k-1].column})
	}
	return both
}
