package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/snapshot"
)

const (
	// SaveDelay is how long changes are gathered before they are written: when a
	// cluster starts, hundreds of members appear within it, and cost one file
	// instead of hundreds. A crash within it costs contacts, never metadata that
	// was acknowledged.
	SaveDelay = time.Second
	// retryMax bounds the pause before a failed save is tried again. It begins
	// at SaveDelay and doubles; a disk that was full for an hour is in use again
	// within a minute.
	retryMax = time.Minute
)

// Errors of Open and Flush, beside those of package snapshot.
var (
	// ErrEpochs: the counter of starts is at its end.
	ErrEpochs = errors.New("epochs are exhausted")
	// ErrClosed: the keeper was closed before the write was safe.
	ErrClosed = errors.New("state is closed")
)

// Config says where the state of a node is kept.
type Config struct {
	FS     snapshot.FS // snapshot.OS() unless for tests
	Dir    string
	Owner  snapshot.Identity
	Logger *slog.Logger
	// NewKey: the node's key was drawn at this start, so that it cannot have
	// used an epoch before. Otherwise missing state means lost state.
	NewKey bool
	// Now is the wall clock, in seconds since 1970: above any number of starts.
	Now int64
}

// Keeper owns a data directory. Its methods are safe for concurrent use.
type Keeper struct {
	store   *snapshot.Store
	log     *slog.Logger
	touched chan struct{}
	flushes chan flush
	closing chan struct{}
	done    chan struct{}
	once    sync.Once
	started atomic.Bool

	saves, failures atomic.Uint64
	problem         atomic.Pointer[string]
}

// flush asks for a save; the answer is whether it is safe.
type flush struct {
	left   bool // save with the left flag
	result chan error
}

// Open locks a directory and returns its keeper, and the state found there with
// its epoch already raised to that of this start: it is on disk when Open
// returns. The left flag is returned once and cleared.
//
// The errors are those of snapshot.Open and Store.Save, ErrRecord and ErrEpochs.
func Open(cfg Config) (*Keeper, State, error) {
	store, records, report, err := snapshot.Open(cfg.FS, cfg.Dir, cfg.Owner)
	if err != nil {
		return nil, State{}, err
	}
	s, err := decode(records)
	if err == nil {
		s.Epoch, err = nextEpoch(s.Epoch, cfg, report)
	}
	if err == nil {
		kept := s
		kept.Left = false
		err = store.Save(kept.records())
	}
	if err != nil {
		return nil, State{}, errors.Join(err, store.Close())
	}
	for _, d := range report.Damaged {
		cfg.Logger.Warn("state was damaged", "dir", cfg.Dir, "err", d, "lost", report.Lost())
	}
	k := &Keeper{
		store: store, log: cfg.Logger.With("dir", cfg.Dir),
		touched: make(chan struct{}, 1), flushes: make(chan flush),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	k.saves.Add(1)
	return k, s, nil
}

// nextEpoch returns an epoch above all that this key ever used. Where the
// counter may be behind, because state was lost or the directory is younger than
// the key, the clock stands in for it.
func nextEpoch(last member.Epoch, cfg Config, report snapshot.Report) (member.Epoch, error) {
	if last == math.MaxUint64 {
		return 0, ErrEpochs
	}
	next := last + 1
	if report.Lost() || last == 0 && !cfg.NewKey {
		next = max(next, member.Epoch(max(cfg.Now, 0)))
	}
	return next, nil
}

// Run starts the goroutine that owns the disk. collect returns the present
// state; it is called there, before each save. It must be called once at most,
// and before Flush.
func (k *Keeper) Run(collect func() State) {
	k.started.Store(true)
	go k.run(collect)
}

// Touch says that the state has changed and may be written when convenient.
func (k *Keeper) Touch() {
	select {
	case k.touched <- struct{}{}:
	default: // it is known already
	}
}

// Flush returns once the present state is safe on disk, or with the reason why
// it is not. The keeper goes on trying to write it.
func (k *Keeper) Flush(ctx context.Context) error { return k.flush(ctx, false) }

// Leave is Flush with the left flag, which all later saves keep.
func (k *Keeper) Leave(ctx context.Context) error { return k.flush(ctx, true) }

func (k *Keeper) flush(ctx context.Context, left bool) error {
	f := flush{left: left, result: make(chan error, 1)}
	select {
	case k.flushes <- f:
	case <-k.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-f.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Saves returns how many generations were written, and how many writes failed.
func (k *Keeper) Saves() (done, failed uint64) { return k.saves.Load(), k.failures.Load() }

// Problem returns why the last save failed, empty if it did not.
func (k *Keeper) Problem() string {
	if p := k.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// Close writes what has changed, ends the goroutine and unlocks the directory.
// It returns the error of that last save. A second Close does nothing; one
// without Run only unlocks.
func (k *Keeper) Close() (err error) {
	k.once.Do(func() {
		if k.started.Load() {
			err = k.flush(context.Background(), false)
			close(k.closing)
			<-k.done
		}
		err = errors.Join(err, k.store.Close())
	})
	return err
}

func (k *Keeper) run(collect func() State) {
	defer close(k.done)
	left, pause := false, SaveDelay
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	pending := false // the timer runs
	save := func() error {
		s := collect()
		s.Left = left
		err := k.save(&s)
		if err == nil {
			timer.Stop()
			pending, pause = false, SaveDelay
			return nil
		}
		pause = min(2*pause, retryMax)
		timer.Reset(pause)
		pending = true
		return err
	}
	for {
		select {
		case <-k.closing:
			return
		case <-k.touched:
			if !pending {
				timer.Reset(pause)
				pending = true
			}
		case <-timer.C:
			_ = save() // counted and logged there; the timer runs again
		case f := <-k.flushes:
			left = left || f.left
			f.result <- save()
		}
	}
}

// save writes one generation, and tells of a disk that begins or ends to fail
// once each.
func (k *Keeper) save(s *State) error {
	err := k.store.Save(s.records())
	if err == nil {
		k.saves.Add(1)
		if k.problem.Swap(nil) != nil {
			k.log.Info("state is saved again")
		}
		return nil
	}
	k.failures.Add(1)
	text := err.Error()
	if k.problem.Swap(&text) == nil {
		k.log.Warn("state cannot be saved", "err", err)
	}
	return fmt.Errorf("save state: %w", err)
}
