package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"path/filepath"
)

const (
	// maxKept is how many whole generations stay: the last one, and one to fall
	// back to if it rots.
	maxKept = 2
	// maxAside bounds the damaged files that are set aside. Four show a human
	// whether a disk is dying; more would fill it.
	maxAside = 4
	// maxStale bounds the files that the disk refuses to delete. Beyond it Save
	// refuses too, rather than fill a disk that is already in trouble.
	maxStale = 8
)

// Errors of a [Store].
var (
	// ErrDegraded wraps an error of the file system: no space, no writing, a
	// failed sync. What was acknowledged before is safe; the call may be
	// repeated, and succeeds once the disk does.
	ErrDegraded = errors.New("disk is degraded")
	// ErrTooLarge refuses a payload above MaxPayload.
	ErrTooLarge = errors.New("payload exceeds the maximum")
	// ErrType refuses a record of type 0.
	ErrType = errors.New("record type 0 is reserved")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store is closed")
	// ErrExhausted: the highest generation number is used. Only a damaged or
	// forged file name leads there.
	ErrExhausted = errors.New("generations are exhausted")
)

// Store is the open state directory of one node. It is not safe for concurrent
// use: one goroutine owns the disk, and it is not the one that runs the protocol.
type Store struct {
	fs   FS
	dir  string
	id   Identity
	lock io.Closer // nil once closed

	generation uint64   // the highest number ever used
	kept       []uint64 // acknowledged, the newest first and whole, at most maxKept
	damaged    []uint64 // to be set aside by the next Save
	aside      []string // set aside, the oldest first
	stale      []string // to be deleted
}

// Save writes a new generation with the records, in their order, and returns
// once it is durable. The sequence is read once, while the file is written, so
// the state need not be in memory twice.
//
// An error that wraps ErrDegraded is the disk's: the directory still holds the
// state last acknowledged, or already this one, and Save may be called again.
// ErrTooLarge and ErrType are the caller's, and leave no trace.
func (s *Store) Save(records iter.Seq[Record]) error {
	if s.lock == nil {
		return ErrClosed
	}
	if s.generation == math.MaxUint64 {
		return ErrExhausted
	}
	if s.clean(); len(s.stale) > maxStale {
		return degraded("delete", s.dir, fmt.Errorf("%d files refuse", len(s.stale)))
	}
	s.generation++ // also if the write fails: no file is written twice
	final := name(s.generation)
	temp := final + tempSuffix
	if err := s.write(temp, records); err != nil {
		s.discard(temp)
		return err
	}
	if err := s.fs.Rename(s.path(temp), s.path(final)); err != nil {
		s.discard(temp)
		return degraded("rename", temp, err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		// Durable or not, it was not acknowledged; the next Save replaces it.
		s.stale = append(s.stale, final)
		return degraded("sync", s.dir, err)
	}
	s.acknowledge()
	return nil
}

// write writes and syncs one file.
func (s *Store) write(temp string, records iter.Seq[Record]) error {
	f, err := s.fs.Create(s.path(temp))
	if err != nil {
		return degraded("create", temp, err)
	}
	if err := s.encode(f, records); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(degraded("sync", temp, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return degraded("close", temp, err)
	}
	return nil
}

func (s *Store) encode(w io.Writer, records iter.Seq[Record]) error {
	e := newEncoder(w, s.id, s.generation)
	for r := range records {
		if err := e.record(r); err != nil {
			return err
		}
	}
	if err := e.finish(); err != nil {
		return degraded("write", name(s.generation), err)
	}
	return nil
}

// acknowledge makes the generation just written the newest, and gives up what
// it makes superfluous. Nothing here can fail the Save: it is durable.
func (s *Store) acknowledge() {
	s.kept = append([]uint64{s.generation}, s.kept...)
	for len(s.kept) > maxKept {
		s.stale = append(s.stale, name(s.kept[maxKept]))
		s.kept = append(s.kept[:maxKept], s.kept[maxKept+1:]...)
	}
	s.setAside()
	s.clean()
}

// setAside renames damaged files out of the way. One that refuses is tried
// again by the next Save: as long as it lies there, it is older than the state.
func (s *Store) setAside() {
	var refused []uint64
	for _, generation := range s.damaged {
		base := fmt.Sprintf("%s%s%d", name(generation), corrupt, len(s.aside)+1)
		err := s.fs.Rename(s.path(name(generation)), s.path(base))
		switch {
		case err == nil:
			s.aside = append(s.aside, base)
		case !errors.Is(err, fs.ErrNotExist):
			refused = append(refused, generation)
		}
	}
	s.damaged = refused
	for len(s.aside) > maxAside {
		s.stale = append(s.stale, s.aside[0])
		s.aside = s.aside[1:]
	}
}

// discard deletes a file, now or with a later Save.
func (s *Store) discard(base string) {
	if err := s.fs.Remove(s.path(base)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.stale = append(s.stale, base)
	}
}

// clean deletes what is stale, and keeps what refuses for the next time.
func (s *Store) clean() {
	stale := s.stale
	s.stale = nil
	for _, base := range stale {
		s.discard(base)
	}
}

// Generation returns the generation last acknowledged or found whole, 0 if none.
func (s *Store) Generation() uint64 {
	if len(s.kept) == 0 {
		return 0
	}
	return s.kept[0]
}

// Close gives up the lock. The store cannot be used afterwards; a second Close
// returns ErrClosed.
func (s *Store) Close() error {
	if s.lock == nil {
		return ErrClosed
	}
	err := s.lock.Close()
	s.lock = nil
	return err
}

func (s *Store) path(base string) string { return filepath.Join(s.dir, base) }

// degraded wraps an error of the file system.
func degraded(op, name string, err error) error {
	return fmt.Errorf("%w: %s %s: %w", ErrDegraded, op, name, err)
}
