package snapshot

import (
	"errors"
	"io"
)

// ErrLocked is returned by [FS.Lock], and by [Open], when another process holds
// the directory.
var ErrLocked = errors.New("directory is in use by another process")

// FS is what a [Store] needs of a file system. Names are paths, joined by
// path/filepath. [OS] is the real one; snapshottest.Disk is one that breaks.
// A missing file or folder is an error that wraps fs.ErrNotExist.
type FS interface {
	// MkdirAll creates a folder and its parents, durably, for the owner only.
	MkdirAll(dir string) error
	// List returns the names in a folder, in any order.
	List(dir string) ([]string, error)
	// Create creates a file that must not exist, for the owner only.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (io.ReadCloser, error)
	// Rename replaces newName by oldName in one step that a crash cannot halve.
	Rename(oldName, newName string) error
	// Remove deletes a file.
	Remove(name string) error
	// SyncDir makes creations, renames and removals in a folder durable.
	SyncDir(dir string) error
	// Lock creates name if need be and locks it until the closer is closed or
	// the process ends, or returns ErrLocked at once.
	Lock(name string) (io.Closer, error)
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync returns once the content is durable. It is called once a file.
	Sync() error
}
