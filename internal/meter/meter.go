// Package meter shows the progress of long work on a terminal, and nothing
// elsewhere.
package meter

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Meter is a progress bar. A nil Meter is quiet.
type Meter struct {
	done     atomic.Int64
	look     func() (done int64, note string) // instead of done, if set
	note     atomic.Value                     // text behind the bar
	bar      *mpb.Bar
	progress *mpb.Progress
	quit     chan struct{}
	group    sync.WaitGroup
}

const (
	// delay keeps the bar away from work that is over at once.
	delay = 500 * time.Millisecond
	// period is how often the bar looks at the count, which trials raise
	// far more often than a bar could be told.
	period = 100 * time.Millisecond
)

// Sizes in columns. The bar is shorter on a terminal that has no room for it.
const (
	barWidth = 48
	// notedWidth is that of a bar with a note behind it.
	notedWidth = 24
	// lineWidth is that of a terminal that does not say how wide it is: a serial
	// line, some containers, script(1) without a terminal of its own. A bar as
	// wide as such a terminal claims to be would be none.
	lineWidth = 80
)

// New returns a bar on w that is full at total, or nil if w is no terminal.
func New(w io.Writer, label string, total int64) *Meter {
	return attach(w, label, total, delay, nil)
}

// Watch is New for work that is asked how far it is, ten times a second and from
// another goroutine: how much of total is done, and what to show behind the bar.
func Watch(w io.Writer, label string, total int64, look func() (done int64, note string)) *Meter {
	return attach(w, label, total, delay, look)
}

// attach is Watch with another delay.
func attach(w io.Writer, label string, total int64, wait time.Duration, look func() (int64, string)) *Meter {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	if width, height, err := term.GetSize(int(file.Fd())); err != nil || width == 0 || height == 0 {
		w = sizeless{w}
	}
	return start(w, label, total, wait, look)
}

// sizeless hides the file, so that nobody asks it for its size.
type sizeless struct{ io.Writer }

func start(w io.Writer, label string, total int64, wait time.Duration, look func() (int64, string)) *Meter {
	m := &Meter{quit: make(chan struct{}), look: look}
	width := barWidth
	behind := []decor.Decorator{decor.Percentage(), decor.Name(" "), decor.Elapsed(decor.ET_STYLE_GO)}
	if look != nil {
		width = notedWidth
		behind = append(behind, decor.Any(func(decor.Statistics) string {
			note, _ := m.note.Load().(string)
			return " " + note
		}))
	}
	show := make(chan struct{})
	m.progress = mpb.New(mpb.WithOutput(w), mpb.WithWidth(lineWidth), mpb.WithAutoRefresh(), mpb.WithRenderDelay(show))
	m.bar = m.progress.AddBar(total,
		mpb.PrependDecorators(decor.Name(label+" ")),
		mpb.AppendDecorators(behind...),
		mpb.BarWidth(width), mpb.BarRemoveOnComplete(),
	)
	m.refresh()
	m.group.Go(func() { m.watch(show, wait) })
	return m
}

// watch carries the count to the bar until the meter stops.
func (m *Meter) watch(show chan<- struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	tick := time.NewTicker(period)
	defer tick.Stop()
	shown := false
	for {
		select {
		case <-timer.C:
			close(show)
			shown = true
		case <-tick.C:
			m.refresh()
		case <-m.quit:
			m.bar.Abort(true)
			if !shown {
				close(show)
			}
			return
		}
	}
}

// refresh tells the bar how far the work is.
func (m *Meter) refresh() {
	done := m.done.Load()
	if m.look != nil {
		var note string
		done, note = m.look()
		m.note.Store(note)
	}
	m.bar.SetCurrent(done)
}

// Add counts progress; it is safe for concurrent use.
func (m *Meter) Add(n int) {
	if m != nil {
		m.done.Add(int64(n))
	}
}

// Stop takes the bar away.
func (m *Meter) Stop() {
	if m == nil {
		return
	}
	close(m.quit)
	m.group.Wait()
	m.progress.Wait()
}
