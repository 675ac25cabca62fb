package swarm

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Tale writes down what is said and done in a run, and keeps the end of it. It
// is a watcher for [Options].
type Tale struct {
	// Keep is how many lines are kept.
	Keep int
	// Events leaves out what nodes send to each other.
	Events bool

	r     *run
	lines []string // the last Keep, as a ring
	next  int
	total int
	short map[string]string // of identities
}

// lineMax bounds a line: a message has up to megabytes.
const lineMax = 2000

func (t *Tale) attach(r *run) {
	t.r = r
	t.short = make(map[string]string)
	for slot := range r.c.Len() {
		t.short[r.c.ID(slot).Short()] = t.who(slot)
	}
}

// who names a slot: n3, and n3' for the identity that it has after it was wiped.
func (t *Tale) who(slot int) string {
	if slot < t.r.s.Nodes {
		return fmt.Sprintf("n%d", slot+1)
	}
	return fmt.Sprintf("n%d'%d", t.r.nodes[slot]+1, slot-t.r.s.Nodes+1)
}

func (t *Tale) say(now time.Duration, format string, args ...any) {
	if t.Keep <= 0 {
		return
	}
	line := fmt.Sprintf("%12.6f  ", now.Seconds()) + fmt.Sprintf(format, args...)
	if len(line) > lineMax {
		line = line[:lineMax] + " …"
	}
	t.total++
	if len(t.lines) < t.Keep {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % t.Keep
}

// named puts names of nodes in place of the beginnings of their identities.
func (t *Tale) named(text string) string {
	words := strings.FieldsFunc(text, func(c rune) bool { return !strings.ContainsRune("0123456789abcdef", c) })
	for _, word := range words {
		if len(word) != 8 {
			continue
		}
		if name, ok := t.short[word]; ok {
			text = strings.ReplaceAll(text, word, name)
		}
	}
	return text
}

// Lines returns what was kept, and how many lines came before.
func (t *Tale) Lines() (lines []string, before int) {
	lines = append(lines, t.lines[t.next:]...)
	return append(lines, t.lines[:t.next]...), t.total - len(t.lines)
}

// Fault notes a fault or a phase.
func (t *Tale) fault(now time.Duration, what string) { t.say(now, "*** %s", what) }

// Started implements [sim.Watcher].
func (t *Tale) Started(slot int, now time.Duration, epoch member.Epoch) {
	t.short[t.r.c.ID(slot).Short()] = t.who(slot)
	t.say(now, "%s starts in epoch %d", t.who(slot), epoch)
}

// Stopping implements [sim.Watcher].
func (t *Tale) Stopping(slot int, now time.Duration) { t.say(now, "%s ends", t.who(slot)) }

// Stepped implements [sim.Watcher].
func (t *Tale) Stepped(slot int, now time.Duration, out *core.Output) {
	if t.Keep <= 0 {
		return
	}
	for i := range out.Events {
		t.say(now, "%s     %s", t.who(slot), t.named(out.Events[i].Describe()))
	}
	if t.Events {
		return
	}
	for i := range out.Packets {
		p := &out.Packets[i]
		to := p.Addr.String()
		if at, ok := t.r.c.At(p.Addr); ok {
			to = t.who(at)
		}
		how := ""
		if p.Lane == core.Stream {
			how = " by stream"
		}
		t.say(now, "%s -> %s%s: %s", t.who(slot), to, how, t.named(describe(p.Payload)))
	}
}
