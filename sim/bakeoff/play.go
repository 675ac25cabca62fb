package bakeoff

import (
	"errors"
	"runtime"
	"sync"
)

// Row is what one strategy showed in one cell.
type Row struct {
	Cell  Cell
	Whole Outcome
	// Alone is the same without anti-entropy; it has no runs if the cell cannot
	// lose anything.
	Alone Outcome
}

// Key tells rows apart.
type Key struct {
	Cell     Cell
	Strategy string
}

// Key returns the row's.
func (r *Row) Key() Key { return Key{r.Cell, r.Whole.Strategy} }

// Play runs a section for some strategies, on all processors, and returns a row
// for each cell and strategy, in this order. A row that is in known is taken from
// there. done, if not nil, is told of each that was played, by one goroutine at a
// time.
func Play(s Section, strategies []string, known map[Key]Row, done func(*Row)) ([]Row, error) {
	rows := make([]Row, len(s.Cells)*len(strategies))
	errs := make([]error, len(rows))
	var group sync.WaitGroup
	var told sync.Mutex
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range rows {
		key := Key{s.Cells[i/len(strategies)], strategies[i%len(strategies)]}
		if row, ok := known[key]; ok {
			rows[i] = row
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			rows[i], errs[i] = play(key.Cell, key.Strategy, s.Seeds)
			if done != nil && errs[i] == nil {
				told.Lock()
				done(&rows[i])
				told.Unlock()
			}
			<-slots
		})
	}
	group.Wait()
	return rows, errors.Join(errs...)
}

// play runs a cell with anti-entropy, and half as often without.
func play(cell Cell, strategy string, seeds int) (Row, error) {
	row := Row{Cell: cell}
	var err error
	if row.Whole, err = Run(cell, strategy, 1, seeds); err != nil || !cell.faulty() {
		return row, err
	}
	cell.Alone = true
	row.Alone, err = Run(cell, strategy, 1, (seeds+1)/2)
	return row, err
}

// faulty reports whether a broadcast may miss somebody.
func (c *Cell) faulty() bool { return c.Loss > 0 || c.Dead > 0 || c.Stale > 0 || c.Churn > 0 }
