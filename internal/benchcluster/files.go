package benchcluster

import "errors"

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
// many are needed. On systems other than Linux and macOS it does nothing.
func RaiseFiles(nodes int) error { return raiseFiles(nodes, filesBase+filesPerNode*nodes) }
