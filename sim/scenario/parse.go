package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a script, far beyond what anybody writes by hand.
const (
	// NodesMax bounds a cluster: memory grows with its square, and twice as many
	// take more than 16 GB.
	NodesMax = 4000
	// durationMax keeps sums of a few durations within int64.
	durationMax = 10 * 365 * 24 * time.Hour
	// factMax is the largest value of a fact, eventMax the largest payload of an
	// event: the default of the library.
	factMax  = 64 << 10
	eventMax = 4 << 20
)

// Parse reads a scenario. The error joins one [*Error] for each line with a
// mistake, in order. Numbers of nodes are checked by [Script.Check].
func Parse(name, text string) (*Script, error) {
	s := &Script{Name: name, Text: text}
	names := make(map[string]bool)
	var errs []error
	latest, number := time.Duration(0), 0
	for row := range strings.Lines(text) {
		number++
		tokens, err := lex(strings.TrimRight(row, "\r\n"))
		p := &parser{script: s, tokens: tokens, names: names, err: err, end: utf8.RuneCountInString(strings.TrimRight(row, "\r\n")) + 1}
		if err == nil && len(tokens) > 0 {
			p.line(number, strings.TrimSpace(row), &latest)
		}
		if p.err != nil {
			p.err.Name, p.err.Line = name, number
			errs = append(errs, p.err)
		}
	}
	if len(errs) == 0 && len(s.lines) == 0 {
		errs = append(errs, &Error{Name: name, Line: max(number, 1), Column: 1, What: "nothing happens: want a line that begins with at, after or then"})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// Check returns all that is wrong with the script in a cluster of n nodes,
// joined.
func (s *Script) Check(n int) error {
	var errs []error
	if n < 1 || n > NodesMax {
		errs = append(errs, fmt.Errorf("%w: %d nodes, want 1 to %d", ErrNodes, n, NodesMax))
	}
	for i := range s.lines {
		for _, o := range s.lines[i].extends {
			if err := o.set.check(n); err != nil {
				errs = append(errs, &Error{Name: s.Name, Line: s.lines[i].number, Column: o.column, What: err.Error()})
			}
		}
	}
	return errors.Join(errs...)
}

// ErrNodes is returned for a cluster that is too small or too large.
var ErrNodes = errors.New("nodes out of range")

// parser reads one line. The first failure sticks, and every later read returns
// zero values.
type parser struct {
	script   *Script
	tokens   []token
	end      int // the column after the line
	err      *Error
	names    map[string]bool // of sets
	operands []operand
}

func (p *parser) failAt(column int, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{Column: column, What: fmt.Sprintf(format, args...)}
	}
	p.tokens = nil
}

// column is where the next token stands.
func (p *parser) column() int {
	if len(p.tokens) > 0 {
		return p.tokens[0].column
	}
	return p.end
}

// next takes a token; what says what should stand there.
func (p *parser) next(what string) token {
	if len(p.tokens) == 0 {
		p.failAt(p.end, "the line ends, want %s", what)
		return token{column: p.end}
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

// accept takes the next token if it is this word or mark.
func (p *parser) accept(text string) bool {
	if len(p.tokens) > 0 && p.tokens[0].text == text && !p.tokens[0].quoted {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *parser) expectWord(text string) {
	if c := p.column(); !p.accept(text) {
		p.failAt(c, "want %q%s", text, p.found())
	}
}

// found says what stands there instead.
func (p *parser) found() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return fmt.Sprintf(", found %q", p.tokens[0].text)
}

// line reads one line that is not empty.
func (p *parser) line(number int, text string, latest *time.Duration) {
	first := p.next("a word")
	if k := len(p.script.lines); k > 0 && isEnd(p.script.lines[k-1].action) {
		p.failAt(first.column, "nothing comes after end, which is line %d", p.script.lines[k-1].number)
		return
	}
	l := line{number: number, text: strings.TrimSpace(strings.SplitN(text, "#", 2)[0])}
	switch {
	case first.quoted:
		p.failAt(first.column, "want a word, found a text in quotes")
		return
	case slices.Contains([]string{"at", "after", "then"}, first.text):
		p.timing(&l, first.text, latest)
	case settings[first.text] != nil:
		if len(p.script.lines) > 0 {
			p.failAt(first.column, "%s stands after the first timed line; there, a line begins with at, after or then", first.text)
			return
		}
		settings[first.text](p)
		p.done()
		return
	case words[first.text] != nil:
		p.failAt(first.column, "%q wants a time: at, after or then", first.text)
		return
	default:
		p.failAt(first.column, "unknown word %q%s", first.text, suggest(first.text, settingNames(), timings))
		return
	}
	word := p.next("what happens")
	read := words[word.text]
	if p.err == nil && (read == nil || word.quoted) {
		p.failAt(word.column, "unknown word %q%s", word.text, suggest(word.text, wordNames()))
	}
	if p.err != nil {
		return
	}
	l.action = read(p)
	p.done()
	l.extends = p.operands
	if churn, ok := l.action.(*churn); ok && p.err == nil {
		churn.expand(p, &l, word.column)
	}
	if p.err == nil {
		p.script.lines = append(p.script.lines, l)
	}
}

var timings = []string{"at", "after", "then"}

// timing reads when a line happens, up to its word.
func (p *parser) timing(l *line, word string, latest *time.Duration) {
	switch column := p.column(); word {
	case "at":
		l.delay = p.duration("a time")
		if p.err == nil && l.delay < *latest {
			p.failAt(column, "time goes backwards: %v after %v", l.delay, *latest)
		}
		*latest = max(*latest, l.delay)
	case "after":
		l.timing, l.delay = after, p.duration("a duration")
	case "then":
		l.timing = after
	}
	if p.accept("every") {
		l.every, l.until = p.repetition(l, "every")
	}
}

// repetition reads an interval and the time at which it ends.
func (p *parser) repetition(l *line, word string) (every, until time.Duration) {
	column := p.column()
	every = p.duration("an interval")
	if p.err == nil && every <= 0 {
		p.failAt(column, "%s wants an interval above 0", word)
	}
	p.expectWord("until")
	return every, p.until(l)
}

// until reads the end of a repetition.
func (p *parser) until(l *line) time.Duration {
	column := p.column()
	until := p.duration("the time at which it ends")
	if p.err == nil && l.timing == at && until <= l.delay {
		p.failAt(column, "until %v is not after %v", until, l.delay)
	}
	return until
}

// done holds that nothing is left over.
func (p *parser) done() {
	if len(p.tokens) > 0 {
		p.failAt(p.column(), "the line should end here%s", p.found())
	}
}

// duration reads "1m30s", "20ms" or "0".
func (p *parser) duration(what string) time.Duration {
	t := p.next(what + " such as 10s")
	if p.err != nil {
		return 0
	}
	d, err := time.ParseDuration(t.text)
	switch {
	case err != nil:
		p.failAt(t.column, "%q is no duration: want %s such as 10s, 1m30s or 200ms", t.text, what)
	case d < 0:
		p.failAt(t.column, "%v is negative", d)
	case d > durationMax:
		p.failAt(t.column, "%v is too long: at most ten years", d)
	}
	return d
}

// share reads "5%" or "0.05".
func (p *parser) share(what string) float64 {
	t := p.next(what + " such as 5%")
	if p.err != nil {
		return 0
	}
	v, err := ParseShare(t.text)
	if err != nil {
		p.failAt(t.column, "%v", err)
	}
	return v
}

// ErrShare is returned for text that is no share.
var ErrShare = errors.New("not a share: want 0% to 100%, or 0 to 1")

// ParseShare reads a share as "5%" or "0.05". The error wraps [ErrShare].
func ParseShare(text string) (float64, error) {
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		v /= 100
	}
	if err != nil || math.IsNaN(v) || v < 0 || v > 1 {
		return 0, fmt.Errorf("%q is %w", text, ErrShare)
	}
	return v, nil
}

// whole reads a number from 1 on.
func (p *parser) whole(what string, most int) int {
	t := p.next(what)
	if p.err != nil {
		return 0
	}
	v, err := strconv.Atoi(t.text)
	if err != nil || v < 1 || v > most {
		p.failAt(t.column, "%q is not %s: want 1 to %d", t.text, what, most)
	}
	return v
}

// size is a number of bytes.
type size int

// units are those of sizes; the empty one comes last.
var units = []struct {
	suffix string
	bytes  size
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}, {"", 1}}

// String returns "64 B", "32 KiB" or "4 MiB".
func (n size) String() string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", int(n))
}

// size reads "64B", "64" or "4MiB".
func (p *parser) size(most size) size {
	t := p.next("a size such as 64B")
	if p.err != nil {
		return 0
	}
	for _, unit := range units {
		if digits, ok := strings.CutSuffix(t.text, unit.suffix); ok {
			v, err := strconv.Atoi(digits)
			if err == nil && v >= 0 && v <= int(most/unit.bytes) {
				return size(v) * unit.bytes
			}
			break
		}
	}
	p.failAt(t.column, "%q is no size: want 0B to %s", t.text, strings.ReplaceAll(most.String(), " ", ""))
	return 0
}

// suggest names what a mistyped word may mean, or all that is known.
func suggest(word string, known ...[]string) string {
	all := slices.Concat(known...)
	slices.Sort(all)
	for _, k := range all {
		if near(word, k) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	return ": want " + strings.Join(all, ", ")
}

// near reports whether two words differ in one character: changed, missing, too
// many, or two swapped.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < 2 || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) != len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) || a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
