package cluster

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrFiles says that the process may not open as many files as it needs.
var ErrFiles = errors.New("too few file descriptors")

const (
	// A node keeps a UDP socket and a TCP listener. While it joins it has a
	// connection or two, and every connection has both its ends here. Eight
	// leaves room for a pool of connections as well.
	filesPerNode = 8
	// The rest of the process: standard streams, the poller, files of the
	// name resolver.
	filesBase = 64
)

// RaiseFiles makes sure that this process may open the files that a cluster of
// the given size needs. It raises the soft limit as far as needed and, where
// the user may, the hard limit too. The error wraps [ErrFiles] and says how
// many are needed.
func RaiseFiles(nodes int) error {
	need := uint64(filesBase + filesPerNode*nodes)
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
