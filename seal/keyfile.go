package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Errors of key files.
var (
	// ErrKeyFile: the contents of a key file are not what we wrote.
	ErrKeyFile = errors.New("damaged key file")
	// ErrKeyFileMode: a key file can be read or written by others than its owner.
	ErrKeyFileMode = errors.New("key file is open to others")
)

// keyFileMax bounds what is read from a key file. A ring of 128 keys takes
// 10 KiB, and a rotation needs three.
const keyFileMax = 64 << 10

// readKeyFile returns the path and contents of a key file that only its owner
// can read.
func readKeyFile(dir, name string) (path string, text []byte, err error) {
	path = filepath.Join(dir, name)
	file, err := os.Open(path)
	if err != nil {
		return path, nil, err
	}
	defer file.Close() // Read only: nothing to lose.
	// The opened file is asked, not the path: it cannot be swapped in between.
	info, err := file.Stat()
	if err != nil {
		return path, nil, err
	}
	if !info.Mode().IsRegular() {
		return path, nil, fmt.Errorf("%s: %w: not a regular file", path, ErrKeyFile)
	}
	if mode := info.Mode().Perm(); modeMatters && mode&0o077 != 0 {
		return path, nil, fmt.Errorf("%s: %w: mode %04o, want 0600 (chmod 600)", path, ErrKeyFileMode, mode)
	}
	text, err = io.ReadAll(io.LimitReader(file, keyFileMax+1))
	if err != nil {
		return path, nil, err
	}
	if len(text) > keyFileMax {
		return path, nil, fmt.Errorf("%s: %w: over %d bytes", path, ErrKeyFile, keyFileMax)
	}
	return path, text, nil
}

// modeMatters is false on Windows: access is ruled by lists there, and the mode
// that Go reports is made up from the read-only attribute.
const modeMatters = runtime.GOOS != "windows"

// writeKeyFile makes a new key file, there whole or not at all, also across a
// power cut. It never replaces a file.
func writeKeyFile(dir, name string, text []byte) error {
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return install(dir, name, text, publish)
}

// replaceKeyFile is writeKeyFile in place of what is there: after a power cut
// the file is the old or the new one.
func replaceKeyFile(dir, name string, text []byte) error {
	return install(dir, name, text, os.Rename)
}

// install writes a draft beside the file, syncs it, gives it its name by move,
// and syncs the directory.
func install(dir, name string, text []byte, move func(draft, path string) error) error {
	// CreateTemp opens with mode 0600.
	draft, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }() // A second name, a failure's remains, or gone.
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := move(draft.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// publish gives a finished draft its name. A hard link refuses to replace; file
// systems without links get a rename, where two creators at the same instant
// could both believe they won.
func publish(draft, path string) error {
	err := os.Link(draft, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, statErr := os.Lstat(path); statErr == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(draft, path)
}

// syncDir makes a new directory entry durable. Windows cannot open directories
// for that, and journals them itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
