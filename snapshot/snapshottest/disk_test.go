package snapshottest

import (
	"bytes"
	"errors"
	"slices"
	"syscall"
	"testing"
)

// content is long enough for several sectors, none of them zero.
var content = bytes.Repeat([]byte("0123456789abcdef"), 200)

func write(t *testing.T, d *Disk, name string, sync bool) {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

// outcomes crashes many disks after the same steps and counts what is left of a
// file.
func outcomes(t *testing.T, name string, steps func(*Disk)) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for seed := range uint64(400) {
		d := NewDisk(seed)
		steps(d)
		d.Reboot()
		got, err := d.Content(name)
		zeros := make([]byte, len(got))
		switch {
		case err != nil:
			seen["no file"]++
		case len(got) == 0:
			seen["empty"]++
		case bytes.Equal(got, content):
			seen["whole"]++
		case bytes.Equal(got, zeros):
			seen["zeros"]++
		case bytes.HasPrefix(content, got):
			seen["prefix"]++
		default:
			seen["holes"]++
		}
	}
	return seen
}

func TestUnsyncedFileSurvivesInEveryWay(t *testing.T) {
	seen := outcomes(t, "d/a", func(d *Disk) { write(t, d, "d/a", false) })
	for _, way := range []string{"no file", "empty", "zeros", "prefix", "holes"} {
		if seen[way] == 0 {
			t.Errorf("never %s in %v", way, seen)
		}
	}
}

func TestSyncedFileInSyncedFolderSurvives(t *testing.T) {
	seen := outcomes(t, "d/a", func(d *Disk) {
		write(t, d, "d/a", true)
		if err := d.SyncDir("d"); err != nil {
			t.Fatal(err)
		}
	})
	if seen["whole"] != 400 {
		t.Errorf("outcomes %v", seen)
	}
}

func TestSyncedFileInUnsyncedFolderIsWholeOrMissing(t *testing.T) {
	seen := outcomes(t, "d/a", func(d *Disk) { write(t, d, "d/a", true) })
	if seen["whole"] == 0 || seen["no file"] == 0 || seen["whole"]+seen["no file"] != 400 {
		t.Errorf("outcomes %v", seen)
	}
}

func TestFailedSyncDropsThePagesAndTheNextOneLies(t *testing.T) {
	seen := outcomes(t, "d/a", func(d *Disk) {
		d.Fail(Sync, syscall.EIO)
		f, err := d.Create("d/a")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Write(content)
		if first, second := f.Sync(), f.Sync(); err != nil || !errors.Is(first, syscall.EIO) || second != nil {
			t.Fatalf("Write = %v, Sync = %v, then %v", err, first, second)
		}
		if err := d.SyncDir("d"); err != nil {
			t.Fatal(err)
		}
		if live, err := d.Content("d/a"); err != nil || !bytes.Equal(live, content) {
			t.Fatalf("the cache no longer holds the file: %v", err)
		}
	})
	if seen["empty"] != 400 {
		t.Errorf("outcomes %v", seen)
	}
}

func TestRenameIsLostOrWhole(t *testing.T) {
	for seed := range uint64(100) {
		d := NewDisk(seed)
		write(t, d, "d/a", true)
		if err := d.SyncDir("d"); err != nil {
			t.Fatal(err)
		}
		if err := d.Rename("d/a", "d/b"); err != nil {
			t.Fatal(err)
		}
		d.Reboot()
		if names := d.Names(); !slices.Equal(names, []string{"d/a"}) && !slices.Equal(names, []string{"d/b"}) {
			t.Fatalf("seed %d: files %q", seed, names)
		}
	}
}

func TestSeedDecidesTheCrash(t *testing.T) {
	for seed := range uint64(50) {
		var first []byte
		for run := range 2 {
			d := NewDisk(seed)
			write(t, d, "d/a", false)
			write(t, d, "d/b", false)
			d.Reboot()
			got, _ := d.Content("d/a") // a missing file is an outcome, too
			if run == 0 {
				first = got
			} else if !bytes.Equal(got, first) {
				t.Fatalf("seed %d: two outcomes", seed)
			}
		}
	}
}

func TestEveryCallFailsBetweenCrashAndReboot(t *testing.T) {
	d := NewDisk(1)
	write(t, d, "d/a", true)
	d.CrashAt(2)
	if err := d.SyncDir("d"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := d.Remove("d/a"); !errors.Is(err, ErrCrashed) {
			t.Errorf("Remove = %v", err)
		}
	}
	d.Reboot()
	if names := d.Names(); !slices.Equal(names, []string{"d/a"}) {
		t.Errorf("files %q", names)
	}
	if err := d.Remove("d/a"); err != nil {
		t.Errorf("after the reboot: Remove = %v", err)
	}
}
