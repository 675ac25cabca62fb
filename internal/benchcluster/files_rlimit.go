//go:build linux || darwin

package benchcluster

import (
	"fmt"
	"syscall"
)

func raiseFiles(nodes, files int) error {
	need := uint64(files)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read file descriptor limit: %w", err)
	}
	wanted := raised(limit, need)
	if wanted == limit {
		return nil
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wanted); err != nil {
		return fmt.Errorf("%w: %d nodes need %d, the limit is %d: %w", ErrFiles, nodes, need, limit.Cur, err)
	}
	return nil
}

// raised returns the least change of limit that allows need files.
func raised(limit syscall.Rlimit, need uint64) syscall.Rlimit {
	limit.Cur = max(limit.Cur, need)
	limit.Max = max(limit.Max, limit.Cur)
	return limit
}
