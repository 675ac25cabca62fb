package spreadcmd

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

// meter is a progress bar for long work on a terminal. A nil meter is quiet.
type meter struct {
	done     atomic.Int64
	bar      *mpb.Bar
	progress *mpb.Progress
	quit     chan struct{}
	group    sync.WaitGroup
}

const (
	// meterDelay keeps the bar away from work that is over at once.
	meterDelay = 500 * time.Millisecond
	// meterPeriod is how often the bar looks at the count, which trials raise
	// far more often than a bar could be told.
	meterPeriod = 100 * time.Millisecond
)

// newMeter returns a bar on w, or nil if w is no terminal.
func newMeter(w io.Writer, label string, total int64) *meter {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return startMeter(w, label, total, meterDelay)
}

func startMeter(w io.Writer, label string, total int64, delay time.Duration) *meter {
	m := &meter{quit: make(chan struct{})}
	show := make(chan struct{})
	m.progress = mpb.New(mpb.WithOutput(w), mpb.WithWidth(48), mpb.WithAutoRefresh(), mpb.WithRenderDelay(show))
	m.bar = m.progress.AddBar(total,
		mpb.PrependDecorators(decor.Name(label+" ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.Elapsed(decor.ET_STYLE_GO)),
		mpb.BarRemoveOnComplete(),
	)
	m.group.Go(func() { m.watch(show, delay) })
	return m
}

// watch carries the count to the bar until the meter stops.
func (m *meter) watch(show chan<- struct{}, delay time.Duration) {
	wait := time.NewTimer(delay)
	defer wait.Stop()
	tick := time.NewTicker(meterPeriod)
	defer tick.Stop()
	shown := false
	for {
		select {
		case <-wait.C:
			close(show)
			shown = true
		case <-tick.C:
			m.bar.SetCurrent(m.done.Load())
		case <-m.quit:
			m.bar.Abort(true)
			if !shown {
				close(show)
			}
			return
		}
	}
}

// add counts progress; it is safe for concurrent use.
func (m *meter) add(n int) {
	if m != nil {
		m.done.Add(int64(n))
	}
}

// stop takes the bar away.
func (m *meter) stop() {
	if m == nil {
		return
	}
	close(m.quit)
	m.group.Wait()
	m.progress.Wait()
}
