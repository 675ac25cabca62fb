//go:build e2e && linux

package e2e

import (
	"testing"

	"golang.org/x/sys/unix"
)

// mounted returns a folder that is a memory file system of its own.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := private(t)
	if err := unix.Mount("hearsay-e2e", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		t.Fatalf("mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// remounted makes a mounted folder read only.
func remounted(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatalf("remount: %v", err)
	}
}
