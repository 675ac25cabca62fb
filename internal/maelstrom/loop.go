package maelstrom

import (
	"container/heap"
	"time"
)

// A loop runs what is planned in the order of time and, at one time, of
// planning. Times count from the start of the run.
type loop struct {
	now   time.Duration
	plans plans
	count uint64
	ended bool
}

type plan struct {
	at  time.Duration
	seq uint64
	run func()
}

// at plans something; what lies in the past is run next.
func (l *loop) at(t time.Duration, run func()) {
	l.count++
	heap.Push(&l.plans, plan{max(t, l.now), l.count, run})
}

func (l *loop) after(d time.Duration, run func()) { l.at(l.now+d, run) }

// next returns when something is planned, false if nothing is.
func (l *loop) next() (time.Duration, bool) {
	if l.ended || len(l.plans) == 0 {
		return 0, false
	}
	return l.plans[0].at, true
}

// step runs what is planned first. Time never goes backwards.
func (l *loop) step() {
	p := heap.Pop(&l.plans).(plan)
	l.now = max(l.now, p.at)
	p.run()
}

// runVirtual runs all that is planned, until the end.
func (l *loop) runVirtual() {
	for {
		if _, any := l.next(); !any {
			return
		}
		l.step()
	}
}

// plans is a heap.
type plans []plan

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (p plans) Len() int { return len(p) }

func (p plans) Less(i, j int) bool {
	return p[i].at < p[j].at || p[i].at == p[j].at && p[i].seq < p[j].seq
}

func (p plans) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *plans) Push(x any)   { *p = append(*p, x.(plan)) }

func (p *plans) Pop() any {
	last := (*p)[len(*p)-1]
	(*p)[len(*p)-1] = plan{}
	*p = (*p)[:len(*p)-1]
	return last
}
