package bakeoff

import (
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

// Play runs a section for some strategies, on all processors, and returns a row
// for each cell and strategy, in this order. done, if not nil, is told of each
// as it is finished, by one goroutine at a time.
func Play(s Section, strategies []string, done func(*Row)) ([]Row, error) {
	rows := make([]Row, len(s.Cells)*len(strategies))
	errs := make([]error, len(rows))
	var group sync.WaitGroup
	var told sync.Mutex
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range rows {
		slots <- struct{}{}
		group.Go(func() {
			rows[i], errs[i] = play(s.Cells[i/len(strategies)], strategies[i%len(strategies)], s.Seeds)
			if done != nil && errs[i] == nil {
				told.Lock()
				done(&rows[i])
				told.Unlock()
			}
			<-slots
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
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
