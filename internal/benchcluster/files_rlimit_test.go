//go:build linux || darwin

package benchcluster

import (
	"syscall"
	"testing"
)

func TestRaisedChangesNoMoreThanNeeded(t *testing.T) {
	for _, c := range []struct {
		name        string
		limit, want syscall.Rlimit
	}{
		{"enough", syscall.Rlimit{Cur: 100, Max: 200}, syscall.Rlimit{Cur: 100, Max: 200}},
		{"soft", syscall.Rlimit{Cur: 50, Max: 200}, syscall.Rlimit{Cur: 80, Max: 200}},
		{"hard", syscall.Rlimit{Cur: 50, Max: 60}, syscall.Rlimit{Cur: 80, Max: 80}},
	} {
		if got := raised(c.limit, 80); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestRaiseFilesGrantsASmallCluster(t *testing.T) {
	if err := RaiseFiles(8); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if want := uint64(filesBase + 8*filesPerNode); limit.Cur < want {
		t.Errorf("limit is %d files, want %d at least", limit.Cur, want)
	}
}
