package snapshot_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/snapshot"
	"github.com/hearsay-gossip/hearsay/snapshot/snapshottest"
)

// FuzzOpen puts any bytes in the place of the newer generation, over a sound
// older one. Whatever they are, Open succeeds or refuses by name; the records
// are those before a cut, byte for byte, or the older state; and the next Save
// heals the directory.
func FuzzOpen(f *testing.F) {
	disk := snapshottest.NewDisk(1)
	s, _, _, err := snapshot.Open(disk, dir, identity)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []byte{1, 2} {
		if err := s.Save(slices.Values(small(seed))); err != nil {
			f.Fatal(err)
		}
	}
	whole, err := disk.Content(file(2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:70])
	f.Add(append(slices.Clone(whole[:56]), 0xff, 0xff, 0xff, 0xff, 1))
	f.Add(append(slices.Clone(whole), 0))
	f.Add([]byte{})

	f.Fuzz(func(t *testing.T, broken []byte) {
		disk := disk.Copy(1)
		disk.Replace(file(2), broken)
		s, records, report, err := snapshot.Open(disk, dir, identity)
		if errors.Is(err, snapshot.ErrFormat) || errors.Is(err, snapshot.ErrIdentity) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if report.Older != (report.Generation == 1) || report.Older && !equal(records, small(1)) {
			t.Fatalf("records %v, report %+v", records, report)
		}
		if !report.Older && !bytes.HasPrefix(broken, encoded(t, 2, records)) {
			t.Fatalf("the records are not the head of the file: %v", records)
		}
		if err := s.Save(slices.Values(records)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, again, report, err := snapshot.Open(disk, dir, identity)
		if err != nil || report.Lost() || !equal(again, records) {
			t.Fatalf("not healed: %v, report %+v", err, report)
		}
	})
}

// encoded returns the file of a generation with the records, without its end.
func encoded(t *testing.T, generation int, records []snapshot.Record) []byte {
	t.Helper()
	disk := snapshottest.NewDisk(1)
	s, _, _ := mustOpen(t, disk)
	for s.Generation() < uint64(generation) {
		mustSave(t, s, records)
	}
	const end = 4 + 1 + 4 + 4
	b := content(t, disk, file(generation))
	return b[:len(b)-end]
}
