package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/snapshot"
	"github.com/hearsay-gossip/hearsay/snapshot/snapshottest"
)

const dir = "state"

var identity = snapshot.Identity{Cluster: [16]byte{1, 2, 3}, Node: member.NodeID{4, 5, 6}}

// state returns n records that differ from those of every other seed. The third
// is larger than the buffers of reader and writer.
func state(seed byte, n int) []snapshot.Record {
	records := make([]snapshot.Record, n)
	for i := range records {
		size := 7 * i
		if i == 2 {
			size = 150_000
		}
		records[i] = snapshot.Record{Type: uint8(i%255 + 1), Payload: bytes.Repeat([]byte{seed, byte(i)}, size)}
	}
	return records
}

func mustOpen(t *testing.T, disk snapshot.FS) (*snapshot.Store, []snapshot.Record, snapshot.Report) {
	t.Helper()
	s, records, report, err := snapshot.Open(disk, dir, identity)
	if err != nil {
		t.Fatal(err)
	}
	return s, records, report
}

func mustSave(t *testing.T, s *snapshot.Store, records []snapshot.Record) {
	t.Helper()
	if err := s.Save(slices.Values(records)); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t *testing.T, s *snapshot.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// saved returns a disk on which each of states was saved in turn.
func saved(t *testing.T, states ...[]snapshot.Record) *snapshottest.Disk {
	t.Helper()
	disk := snapshottest.NewDisk(1)
	s, _, _ := mustOpen(t, disk)
	for _, records := range states {
		mustSave(t, s, records)
	}
	mustClose(t, s)
	return disk
}

func file(generation int) string {
	return filepath.Join(dir, fmt.Sprintf("snapshot-%016x", generation))
}

func equal(a, b []snapshot.Record) bool {
	return slices.EqualFunc(a, b, func(a, b snapshot.Record) bool {
		return a.Type == b.Type && bytes.Equal(a.Payload, b.Payload)
	})
}

func TestNewDirectoryIsEmptyAndSound(t *testing.T) {
	s, records, report := mustOpen(t, snapshottest.NewDisk(1))
	if len(records) != 0 || report.Generation != 0 || report.Lost() || len(report.Damaged) != 0 || s.Generation() != 0 {
		t.Errorf("records %v, report %+v", records, report)
	}
}

func TestOpenReturnsWhatWasSaved(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 300} {
		disk := saved(t, state(1, 5), state(2, n))
		s, records, report := mustOpen(t, disk)
		if !equal(records, state(2, n)) {
			t.Errorf("%d records differ from what was saved", n)
		}
		if report.Generation != 2 || s.Generation() != 2 || report.Lost() || len(report.Damaged) != 0 || report.Leftovers != 0 {
			t.Errorf("%d records: report %+v", n, report)
		}
	}
}

func TestTwoGenerationsStay(t *testing.T) {
	disk := saved(t, state(1, 1), state(2, 2), state(3, 3), state(4, 4))
	if want := []string{file(3), file(4)}; !slices.Equal(disk.Names(), want) {
		t.Errorf("files %q, want %q", disk.Names(), want)
	}
	s, _, _ := mustOpen(t, disk)
	mustSave(t, s, state(5, 5))
	if want := []string{file(4), file(5)}; !slices.Equal(disk.Names(), want) {
		t.Errorf("after reopening: files %q, want %q", disk.Names(), want)
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	s, _, _ := mustOpen(t, snapshottest.NewDisk(1))
	mustClose(t, s)
	if err := s.Save(slices.Values(state(1, 1))); !errors.Is(err, snapshot.ErrClosed) {
		t.Errorf("Save = %v", err)
	}
	if err := s.Close(); !errors.Is(err, snapshot.ErrClosed) {
		t.Errorf("Close = %v", err)
	}
}

func TestSecondStoreIsRefusedUntilTheFirstCloses(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	s, _, _ := mustOpen(t, disk)
	if _, _, _, err := snapshot.Open(disk, dir, identity); !errors.Is(err, snapshot.ErrLocked) {
		t.Errorf("Open = %v, want ErrLocked", err)
	}
	mustClose(t, s)
	mustOpen(t, disk)
}

func TestForeignDirectoryIsRefusedAndUntouched(t *testing.T) {
	disk := saved(t, state(1, 1), state(2, 2)).Copy(2)
	names := disk.Names()
	for _, id := range []snapshot.Identity{
		{Cluster: identity.Cluster, Node: member.NodeID{9}},
		{Cluster: [16]byte{9}, Node: identity.Node},
	} {
		if _, _, _, err := snapshot.Open(disk, dir, id); !errors.Is(err, snapshot.ErrIdentity) {
			t.Errorf("Open as %v = %v, want ErrIdentity", id, err)
		}
	}
	if !slices.Equal(disk.Names(), names) {
		t.Errorf("files %q, were %q", disk.Names(), names)
	}
	if _, records, _ := mustOpen(t, disk); !equal(records, state(2, 2)) {
		t.Error("the owner no longer finds its state")
	}
}

func TestCallersErrorsLeaveNoTrace(t *testing.T) {
	large := []snapshot.Record{{Type: 1}, {Type: 1, Payload: make([]byte, snapshot.MaxPayload+1)}}
	for _, tt := range []struct {
		records []snapshot.Record
		want    error
	}{
		{[]snapshot.Record{{Type: 0, Payload: []byte("x")}}, snapshot.ErrType},
		{large, snapshot.ErrTooLarge},
	} {
		disk := saved(t, state(1, 1))
		s, _, _ := mustOpen(t, disk)
		err := s.Save(slices.Values(tt.records))
		if !errors.Is(err, tt.want) || errors.Is(err, snapshot.ErrDegraded) {
			t.Errorf("Save = %v, want %v", err, tt.want)
		}
		if want := []string{file(1)}; !slices.Equal(disk.Names(), want) {
			t.Errorf("files %q", disk.Names())
		}
		mustSave(t, s, state(2, 2))
	}
}

func TestLargestPayloadRoundTrips(t *testing.T) {
	want := []snapshot.Record{{Type: 255, Payload: bytes.Repeat([]byte{0xa5}, snapshot.MaxPayload)}}
	if _, records, _ := mustOpen(t, saved(t, want)); !equal(records, want) {
		t.Error("differs from what was saved")
	}
}

// A refusal is reported as degraded and names its cause; the state stays; the
// next Save succeeds and leaves no litter.
func TestRefusedCallIsDegradedAndCanBeRepeated(t *testing.T) {
	for _, op := range []snapshottest.Op{
		snapshottest.Create, snapshottest.Write, snapshottest.Sync, snapshottest.Close, snapshottest.Rename, snapshottest.SyncDir,
	} {
		for _, cause := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
			t.Run(fmt.Sprintf("%s %v", op, cause), func(t *testing.T) {
				disk := saved(t, state(1, 4))
				s, _, _ := mustOpen(t, disk)
				disk.Fail(op, cause)
				if err := s.Save(slices.Values(state(2, 4))); !errors.Is(err, snapshot.ErrDegraded) || !errors.Is(err, cause) {
					t.Fatalf("Save = %v, want ErrDegraded and %v", err, cause)
				}
				if s.Generation() != 1 {
					t.Errorf("generation %d was not acknowledged", s.Generation())
				}
				if _, records, report := mustOpen(t, disk.Copy(2)); !equal(records, state(1, 4)) && !equal(records, state(2, 4)) {
					t.Errorf("after the refusal: report %+v", report)
				}
				mustSave(t, s, state(3, 4))
				if want := []string{file(1), file(3)}; !slices.Equal(disk.Names(), want) {
					t.Errorf("files %q, want %q", disk.Names(), want)
				}
			})
		}
	}
}

func TestFullDiskEndsWithItsSpace(t *testing.T) {
	disk := saved(t, state(1, 4))
	s, _, _ := mustOpen(t, disk)
	disk.SetFull(true)
	for range 20 {
		if err := s.Save(slices.Values(state(2, 4))); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Save = %v, want ENOSPC", err)
		}
	}
	if want := []string{file(1)}; !slices.Equal(disk.Names(), want) {
		t.Errorf("files %q, want %q", disk.Names(), want)
	}
	disk.SetFull(false)
	mustSave(t, s, state(3, 4))
	mustClose(t, s)
	if _, records, _ := mustOpen(t, disk); !equal(records, state(3, 4)) {
		t.Error("the first state after the window is not there")
	}
}

// What cannot be deleted does not pile up: Save refuses first, and recovers
// when the disk does.
func TestUndeletableFilesAreBounded(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	s, _, _ := mustOpen(t, disk)
	disk.Fail(snapshottest.Remove, slices.Repeat([]error{syscall.EIO}, 1000)...)
	var refused error
	for range 30 {
		if err := s.Save(slices.Values(state(1, 1))); err != nil {
			refused = err
		}
	}
	if !errors.Is(refused, snapshot.ErrDegraded) {
		t.Errorf("Save = %v, want ErrDegraded", refused)
	}
	if n := len(disk.Names()); n > 12 {
		t.Errorf("%d files", n)
	}
	disk.Reboot() // ends the refusals
	s, _, _ = mustOpen(t, disk)
	mustSave(t, s, state(2, 2))
	if n := len(disk.Names()); n != 2 {
		t.Errorf("%d files after the disk recovered: %q", n, disk.Names())
	}
}

func TestOpenReportsRefusals(t *testing.T) {
	for _, op := range []snapshottest.Op{snapshottest.Mkdir, snapshottest.Lock, snapshottest.List, snapshottest.Open} {
		disk := saved(t, state(1, 1))
		disk.Fail(op, syscall.EMFILE)
		if _, _, _, err := snapshot.Open(disk, dir, identity); !errors.Is(err, snapshot.ErrDegraded) || !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s refused: Open = %v", op, err)
		}
		if _, records, _ := mustOpen(t, disk); !equal(records, state(1, 1)) {
			t.Errorf("%s refused once: the state is gone", op)
		}
	}
}

func TestUnreadableFileFallsBack(t *testing.T) {
	disk := saved(t, state(1, 4), state(2, 4))
	disk.Fail(snapshottest.Read, syscall.EIO)
	_, records, report := mustOpen(t, disk)
	if !equal(records, state(1, 4)) || !report.Older || !report.Lost() || !errors.Is(report.Damaged[0], syscall.EIO) {
		t.Errorf("report %+v", report)
	}
}

func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	disk := saved(t, state(1, 1))
	names := []string{"node.key", "snapshot-", "snapshot-12.tmp", "snapshot-000000000000000G", "snapshot-0000000000000001.bak", "snapshot-00000000000000AA"}
	for _, name := range names {
		disk.Replace(filepath.Join(dir, name), []byte("mine"))
	}
	s, _, report := mustOpen(t, disk)
	mustSave(t, s, state(2, 1))
	for _, name := range names {
		if _, err := disk.Content(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is gone", name)
		}
	}
	if len(report.Damaged) > 0 {
		t.Errorf("damaged: %v", report.Damaged)
	}
}

func TestExhaustedGenerationsAreAnError(t *testing.T) {
	disk := saved(t, state(1, 1))
	disk.Replace(filepath.Join(dir, "snapshot-"+strings.Repeat("f", 16)), []byte("forged"))
	s, records, report := mustOpen(t, disk)
	if !equal(records, state(1, 1)) || !report.Older {
		t.Errorf("report %+v", report)
	}
	if err := s.Save(none); !errors.Is(err, snapshot.ErrExhausted) {
		t.Errorf("Save = %v, want ErrExhausted", err)
	}
}

var none iter.Seq[snapshot.Record] = func(func(snapshot.Record) bool) {}
