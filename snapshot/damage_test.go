package snapshot_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/snapshot"
	"github.com/hearsay-gossip/hearsay/snapshot/snapshottest"
)

// small returns records without the large one: a test per bit wants few bits.
func small(seed byte) []snapshot.Record {
	return []snapshot.Record{
		{Type: 1, Payload: []byte{seed}},
		{Type: 2},
		{Type: 3, Payload: []byte{seed, 0, 0, 0, 0, 0, 0, seed}},
	}
}

func content(t *testing.T, disk *snapshottest.Disk, name string) []byte {
	t.Helper()
	b, err := disk.Content(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkHarmless checks what a damaged generation 2 over a whole generation 1
// may come out as: a cut of the newer state, or the older one; reported; found
// again by a second Open; healed and set aside by the next Save.
func checkHarmless(t *testing.T, damage string, broken []byte) {
	t.Helper()
	disk := saved(t, small(1), small(2))
	disk.Replace(file(2), broken)
	s, records, report := mustOpen(t, disk)
	cut := len(records) > 0 && len(records) <= 3 && equal(records, small(2)[:len(records)]) && report.Generation == 2
	older := equal(records, small(1)) && report.Older && report.Generation == 1
	if !cut && !older || len(report.Damaged) != 1 {
		t.Fatalf("%s: records %v, report %+v", damage, records, report)
	}
	if len(records) < 3 && !report.Cut {
		t.Fatalf("%s: a cut that is not reported: %+v", damage, report)
	}
	mustClose(t, s)
	s, again, _ := mustOpen(t, disk)
	if !equal(again, records) {
		t.Fatalf("%s: a second Open finds something else", damage)
	}
	mustSave(t, s, small(3))
	want := []string{file(1), file(2) + ".corrupt-1", file(3)}
	if !slices.Equal(disk.Names(), want) {
		t.Fatalf("%s: files %q, want %q", damage, disk.Names(), want)
	}
}

func TestEveryBitFlipIsDetectedOrHarmlesslyCut(t *testing.T) {
	whole := content(t, saved(t, small(1), small(2)), file(2))
	for bit := range 8 * len(whole) {
		broken := slices.Clone(whole)
		broken[bit/8] ^= 1 << (bit % 8)
		checkHarmless(t, "bit "+hex.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(bit))), broken)
	}
}

func TestEveryTruncationIsDetected(t *testing.T) {
	whole := content(t, saved(t, small(1), small(2)), file(2))
	for n := range whole {
		checkHarmless(t, "truncated", whole[:n])
		// the same with the length kept and zeros, as a lost write leaves it
		zeros := append(slices.Clone(whole[:n]), make([]byte, len(whole)-n)...)
		if !slices.Equal(zeros, whole) {
			checkHarmless(t, "zeroed", zeros)
		}
	}
}

func TestTrailingBytesCostNothing(t *testing.T) {
	whole := content(t, saved(t, small(1), small(2)), file(2))
	for _, tail := range [][]byte{{0}, make([]byte, 4096), whole} {
		disk := saved(t, small(1), small(2))
		disk.Replace(file(2), append(slices.Clone(whole), tail...))
		_, records, report := mustOpen(t, disk)
		if !equal(records, small(2)) || report.Lost() || len(report.Damaged) != 1 || !errors.Is(report.Damaged[0], snapshot.ErrTrailing) {
			t.Errorf("records %v, report %+v", records, report)
		}
	}
}

// A sector of an older file that lines up is still not taken for this one's.
func TestRecordsOfAnotherGenerationAreNotAccepted(t *testing.T) {
	disk := saved(t, small(1), small(2))
	newer, older := content(t, disk, file(2)), content(t, disk, file(1))
	const header = 56
	checkHarmless(t, "older records under a newer header", append(slices.Clone(newer[:header]), older[header:]...))
	checkHarmless(t, "older tail", append(slices.Clone(newer[:header+10]), older[header+10:]...))
	checkHarmless(t, "older file under a newer name", older)
}

func TestBothGenerationsDamagedLosesAllAndSaysSo(t *testing.T) {
	disk := saved(t, small(1), small(2))
	disk.Replace(file(1), []byte("gone"))
	disk.Replace(file(2), nil)
	s, records, report := mustOpen(t, disk)
	if len(records) != 0 || !report.Lost() || report.Generation != 0 || len(report.Damaged) != 2 {
		t.Errorf("records %v, report %+v", records, report)
	}
	mustSave(t, s, small(3))
	if want := []string{file(1) + ".corrupt-2", file(2) + ".corrupt-1", file(3)}; !slices.Equal(disk.Names(), want) {
		t.Errorf("files %q, want %q", disk.Names(), want)
	}
}

func TestFilesSetAsideAreBounded(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	for range 10 {
		s, _, _ := mustOpen(t, disk)
		mustSave(t, s, small(1))
		disk.Replace(file(int(s.Generation())), []byte("rotten"))
		mustClose(t, s)
	}
	s, _, _ := mustOpen(t, disk)
	mustSave(t, s, small(2))
	aside := slices.DeleteFunc(disk.Names(), func(n string) bool { return !strings.Contains(n, ".corrupt-") })
	if len(aside) != 4 || !strings.HasPrefix(aside[3], file(10)) {
		t.Errorf("set aside: %q, want the last four", aside)
	}
}

// A length is not believed: 16 MiB claimed by 70 bytes cost a buffer.
func TestClaimedLengthIsNotAllocated(t *testing.T) {
	whole := content(t, saved(t, small(1)), file(1))
	broken := binary.BigEndian.AppendUint32(slices.Clone(whole[:56]), snapshot.MaxPayload)
	disk := saved(t, small(1))
	disk.Replace(file(1), append(broken, 1, 2, 3))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, records, _ := mustOpen(t, disk)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; len(records) != 0 || allocated > 1<<20 {
		t.Errorf("%d records, %d bytes allocated", len(records), allocated)
	}
}

func TestLaterFormatIsRefusedAndUntouched(t *testing.T) {
	disk := saved(t, small(1), small(2))
	later := content(t, disk, file(2))
	binary.BigEndian.PutUint32(later[8:], 2)
	binary.BigEndian.PutUint32(later[52:], crc32.Checksum(later[:52], crc32.MakeTable(crc32.Castagnoli)))
	disk.Replace(file(2), later)
	if _, _, _, err := snapshot.Open(disk, dir, identity); !errors.Is(err, snapshot.ErrFormat) {
		t.Errorf("Open = %v, want ErrFormat", err)
	}
	if !slices.Equal(content(t, disk, file(2)), later) {
		t.Error("the refused file was changed")
	}
}

// The golden file pins format 1 for ever: spaced hex, one part a line.
func TestGoldenFile(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "format1.hex"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.Join(strings.Fields(string(golden)), ""))
	if err != nil {
		t.Fatal(err)
	}
	got := content(t, saved(t, small(1)), file(1))
	if !slices.Equal(got, want) {
		t.Errorf("wrote\n% x\nwant\n% x", got, want)
	}
	disk := snapshottest.NewDisk(1)
	disk.Replace(file(1), want)
	if err := disk.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, records, _ := mustOpen(t, disk); !equal(records, small(1)) {
		t.Errorf("read %v", records)
	}
}
