package snapshot_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/hearsay-gossip/hearsay/snapshot"
	"github.com/hearsay-gossip/hearsay/snapshot/snapshottest"
)

// A history is what the lives of a process on one disk were told: state number k
// is numbered(k).
type history struct {
	acked uint64 // the last acknowledged
	begun uint64 // the last that was begun to be written
}

// live opens the store and saves the next states until it is done or the
// machine crashes.
func (h *history) live(disk *snapshottest.Disk, saves int) error {
	s, _, _, err := snapshot.Open(disk, dir, identity)
	if err != nil {
		return err
	}
	for range saves {
		h.begun++
		err := s.Save(slices.Values(numbered(h.begun)))
		switch {
		case err == nil:
			h.acked = h.begun
		case errors.Is(err, snapshottest.ErrCrashed) || !errors.Is(err, snapshot.ErrDegraded):
			return err
		}
	}
	return s.Close()
}

// check opens the directory after a reboot: S1.
func (h *history) check(disk *snapshottest.Disk) error {
	s, records, report, err := snapshot.Open(disk, dir, identity)
	if err != nil {
		return err
	}
	found, whole := number(records)
	switch {
	case !whole:
		return fmt.Errorf("%d records are no state that was saved", len(records))
	case found < h.acked || found > h.begun:
		return fmt.Errorf("found state %d; %d was acknowledged, %d begun", found, h.acked, h.begun)
	case len(report.Damaged) > 0:
		return fmt.Errorf("a crash left damage: %w", report.Damaged[0])
	}
	h.acked = found // it survived, so it stays
	return s.Close()
}

// numbered is the state with a number: several sectors long, so that a tear
// has something to tear.
func numbered(k uint64) []snapshot.Record {
	records := []snapshot.Record{{Type: 1, Payload: fmt.Append(nil, k)}}
	for i := range 40 {
		records = append(records, snapshot.Record{Type: 2, Payload: fmt.Appendf(nil, "%d of state %d: %0100d", i, k, i)})
	}
	return records
}

// number tells which state the records are; state 0 has none.
func number(records []snapshot.Record) (k uint64, whole bool) {
	if len(records) == 0 {
		return 0, true
	}
	k, err := strconv.ParseUint(string(records[0].Payload), 10, 64)
	return k, err == nil && equal(records, numbered(k))
}

// S1: after a crash at any call the directory opens, holds the state last
// acknowledged or a later one that was being written, whole, and reports no
// damage; and the next life goes on from there, also if it crashes itself.
func TestCrashAtEveryCallLosesNothingAcknowledged(t *testing.T) {
	const saves, seeds = 5, 30
	dry := snapshottest.NewDisk(0)
	if err := new(history).live(dry, saves); err != nil {
		t.Fatal(err)
	}
	calls := dry.Calls()
	if calls < 30 || calls > 200 {
		t.Fatalf("%d calls: the scenario is not what it was", calls)
	}
	for call := 1; call <= calls; call++ {
		for seed := range uint64(seeds) {
			disk, h := snapshottest.NewDisk(seed), new(history)
			disk.CrashAt(call)
			if err := h.live(disk, saves); !errors.Is(err, snapshottest.ErrCrashed) {
				t.Fatalf("call %d, seed %d: no crash: %v", call, seed, err)
			}
			disk.Reboot()
			if err := h.check(disk); err != nil {
				t.Fatalf("call %d, seed %d: %v", call, seed, err)
			}
			// The second life, in which the crash hits a directory with leftovers.
			disk.CrashAt(1 + int(seed))
			if err := h.live(disk, 2); err != nil && !errors.Is(err, snapshottest.ErrCrashed) {
				t.Fatalf("call %d, seed %d: second life: %v", call, seed, err)
			}
			disk.Reboot()
			if err := h.check(disk); err != nil {
				t.Fatalf("call %d, seed %d: after the second life: %v", call, seed, err)
			}
		}
	}
	t.Logf("%d calls, %d crashes twice", calls, calls*seeds)
}

// A failed sync may have dropped the pages. A crash any time after it must
// still find an acknowledged state: the file that failed is not synced again.
func TestRefusalThenCrashLosesNothingAcknowledged(t *testing.T) {
	for _, op := range []snapshottest.Op{
		snapshottest.Create, snapshottest.Write, snapshottest.Sync, snapshottest.Rename, snapshottest.SyncDir, snapshottest.Remove,
	} {
		for failing := range 4 {
			for call := 1; call <= 60; call++ {
				disk, h := snapshottest.NewDisk(uint64(call)), new(history)
				disk.Fail(op, make([]error, failing)...)
				disk.Fail(op, syscall.EIO)
				disk.CrashAt(call)
				if err := h.live(disk, 5); err != nil && !errors.Is(err, snapshottest.ErrCrashed) {
					t.Fatalf("%s %d, call %d: %v", op, failing, call, err)
				}
				disk.Reboot()
				if err := h.check(disk); err != nil {
					t.Fatalf("%s %d, call %d: %v", op, failing, call, err)
				}
			}
		}
	}
}

// The two mutants that S1 must kill: each breaks one promise of the store, and
// some crash must show it. Otherwise the disk is kinder than a disk.
func TestCrashesFindAStoreThatSkipsASync(t *testing.T) {
	for name, mutant := range map[string]func(*snapshottest.Disk) snapshot.FS{
		"no sync of the file":      func(d *snapshottest.Disk) snapshot.FS { return noSync{d} },
		"no sync of the directory": func(d *snapshottest.Disk) snapshot.FS { return noSyncDir{d} },
	} {
		killed := false
		for seed := uint64(0); seed < 200 && !killed; seed++ {
			disk := snapshottest.NewDisk(seed)
			s, _, _, err := snapshot.Open(mutant(disk), dir, identity)
			if err != nil {
				t.Fatal(err)
			}
			for k := range uint64(3) {
				mustSave(t, s, numbered(k+1))
			}
			disk.Reboot()
			h := history{acked: 3, begun: 3}
			killed = h.check(disk) != nil
		}
		if !killed {
			t.Errorf("%s: 200 crashes did not show it", name)
		}
	}
}

type noSync struct{ *snapshottest.Disk }

func (d noSync) Create(name string) (snapshot.File, error) {
	f, err := d.Disk.Create(name)
	return noSyncFile{f}, err
}

type noSyncFile struct{ snapshot.File }

func (noSyncFile) Sync() error { return nil }

type noSyncDir struct{ *snapshottest.Disk }

func (noSyncDir) SyncDir(string) error { return nil }
