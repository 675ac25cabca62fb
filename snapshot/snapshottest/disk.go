// Package snapshottest provides a file system that breaks the way disks do: it
// forgets at a crash what was not synced, tears writes, reorders renames, and
// fails calls on demand, all decided by a random seed.
package snapshottest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hearsay-gossip/hearsay/snapshot"
)

// ErrCrashed is what every call returns between the crash and [Disk.Reboot].
var ErrCrashed = errors.New("the machine has crashed")

// Op names a call of [snapshot.FS], of a file, or of a reader.
type Op string

// The calls.
const (
	Mkdir   Op = "mkdir"
	List    Op = "list"
	Create  Op = "create"
	Open    Op = "open"
	Read    Op = "read"
	Write   Op = "write"
	Sync    Op = "sync"
	Close   Op = "close"
	Rename  Op = "rename"
	Remove  Op = "remove"
	SyncDir Op = "syncdir"
	Lock    Op = "lock"
)

// sector is what a disk writes at once or not at all.
const sector = 512

// Disk is a [snapshot.FS] in memory. Not safe for concurrent use.
//
// What a process sees (live) and what survives a crash (durable) are kept apart.
// Sync moves the content of a file over, SyncDir the entries of a folder. A
// failed Sync drops the unwritten pages and reports the file clean, as Linux
// does: a second Sync of that file succeeds and saves nothing.
type Disk struct {
	random  *rand.Rand
	live    map[string]*inode
	durable map[string]*inode
	pending []change // of the folders, oldest first
	folders map[string]bool
	locks   map[string]bool
	faults  map[Op][]error // for the calls to come, nil for one that succeeds
	full    bool
	calls   int
	crashAt int // number of the call that the crash hits, 0 for none
	crashed bool
}

// inode is a file without its name.
type inode struct {
	live    []byte
	durable []byte
	dirty   []span // written since the last Sync
}

// span is a write.
type span struct {
	offset int
	data   []byte
}

// change is one step of a folder: a rename does both, and is never halved.
type change struct {
	dir        string
	unset, set string
	node       *inode
}

var _ snapshot.FS = (*Disk)(nil)

// NewDisk returns an empty disk whose crashes are drawn from the random seed.
func NewDisk(seed uint64) *Disk {
	return &Disk{
		random:  rand.New(rand.NewPCG(seed, 0)),
		live:    make(map[string]*inode),
		durable: make(map[string]*inode),
		folders: make(map[string]bool),
		locks:   make(map[string]bool),
		faults:  make(map[Op][]error),
	}
}

// Calls returns how many calls were made since the start or the last Reboot.
func (d *Disk) Calls() int { return d.calls }

// CrashAt lets the n-th call from now, counted from 1, hit a crash: a write is
// torn, anything else does nothing.
func (d *Disk) CrashAt(n int) { d.crashAt = d.calls + n }

// Fail queues results for the next calls of op: each error fails one call, and
// nil lets one pass.
func (d *Disk) Fail(op Op, results ...error) { d.faults[op] = append(d.faults[op], results...) }

// SetFull makes the disk full, so that Create fails and Write stops half way,
// or gives it space again.
func (d *Disk) SetFull(full bool) { d.full = full }

// Names returns the paths of all files, sorted.
func (d *Disk) Names() []string { return slices.Sorted(maps.Keys(d.live)) }

// Content returns a copy of what a file holds.
func (d *Disk) Content(name string) ([]byte, error) {
	node, ok := d.live[name]
	if !ok {
		return nil, missing("content", name)
	}
	return slices.Clone(node.live), nil
}

// Replace puts a file in place, durably, whatever was there: for bit rot and
// for files from elsewhere.
func (d *Disk) Replace(name string, content []byte) {
	node := &inode{live: slices.Clone(content), durable: slices.Clone(content)}
	d.live[name], d.durable[name] = node, node
}

// Copy returns a disk with the same durable files and no faults: a directory
// copied from one machine to another.
func (d *Disk) Copy(seed uint64) *Disk {
	c := NewDisk(seed)
	for name, node := range d.durable {
		c.Replace(name, node.durable)
	}
	maps.Copy(c.folders, d.folders)
	return c
}

// Reboot ends the process: locks are gone, faults are over, and what was not
// synced survives in part. Of each folder any of the unsynced changes may be
// lost; of each file any unsynced sector, and with it the length of the file.
// Open files must not be used any more.
func (d *Disk) Reboot() {
	d.dropWrites()
	for _, c := range d.pending {
		if d.random.IntN(2) == 0 {
			c.apply(d.durable)
		}
	}
	d.pending = nil
	d.live = maps.Clone(d.durable)
	d.locks, d.faults = make(map[string]bool), make(map[Op][]error)
	d.calls, d.crashAt, d.crashed, d.full = 0, 0, false, false
}

// dropWrites decides for each file which of its unsynced sectors survive. It
// visits files in the order of their names, so that a seed means one outcome.
func (d *Disk) dropWrites() {
	nodes := make(map[*inode]bool)
	visit := func(node *inode) {
		if !nodes[node] {
			nodes[node] = true
			node.tear(d.random)
		}
	}
	for _, files := range []map[string]*inode{d.live, d.durable} {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			visit(files[name])
		}
	}
	for _, c := range d.pending {
		if c.node != nil {
			visit(c.node)
		}
	}
}

// tear keeps nothing, a prefix, random sectors, or the length alone of what was
// not synced.
func (n *inode) tear(random *rand.Rand) {
	how := random.IntN(4)
	for _, s := range n.dirty {
		for start := 0; start < len(s.data); start += sector {
			part := s.data[start:min(start+sector, len(s.data))]
			switch how {
			case 0: // nothing
			case 1: // a prefix: the first sectors, the last of them torn
				keep := random.IntN(2 * len(part))
				n.durable = overwrite(n.durable, s.offset+start, part[:min(keep, len(part))])
				if keep < len(part) {
					how = 0
				}
			case 2: // any sectors, in any order
				if random.IntN(2) == 0 {
					n.durable = overwrite(n.durable, s.offset+start, part)
				}
			case 3: // the length, and zeros
				n.durable = overwrite(n.durable, s.offset+start, make([]byte, len(part)))
			}
		}
	}
	n.dirty = nil
	n.live = slices.Clone(n.durable)
}

// overwrite returns b with data at offset, grown by zeros as needed.
func overwrite(b []byte, offset int, data []byte) []byte {
	if end := offset + len(data); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[offset:], data)
	return b
}

func (c change) apply(files map[string]*inode) {
	if c.unset != "" {
		delete(files, c.unset)
	}
	if c.set != "" {
		files[c.set] = c.node
	}
}

// call counts a call and returns the fault it hits.
func (d *Disk) call(op Op) error {
	if d.crashed {
		return ErrCrashed
	}
	if d.calls++; d.calls == d.crashAt {
		d.crashed = true
		return ErrCrashed
	}
	queue := d.faults[op]
	if len(queue) == 0 {
		return nil
	}
	d.faults[op] = queue[1:]
	if queue[0] != nil {
		return fmt.Errorf("%s: %w", op, queue[0])
	}
	return nil
}

func (d *Disk) change(c change) {
	c.apply(d.live)
	d.pending = append(d.pending, c)
}

// MkdirAll implements [snapshot.FS].
func (d *Disk) MkdirAll(dir string) error {
	if err := d.call(Mkdir); err != nil {
		return err
	}
	d.folders[dir] = true
	return nil
}

// List implements [snapshot.FS].
func (d *Disk) List(dir string) ([]string, error) {
	if err := d.call(List); err != nil {
		return nil, err
	}
	if !d.folders[dir] {
		return nil, missing("list", dir)
	}
	var names []string
	for _, name := range d.Names() {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

// Create implements [snapshot.FS].
func (d *Disk) Create(name string) (snapshot.File, error) {
	if err := d.call(Create); err != nil {
		return nil, err
	}
	if d.full {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	if d.live[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	node := new(inode)
	d.change(change{dir: filepath.Dir(name), set: name, node: node})
	return &file{d, node}, nil
}

// Open implements [snapshot.FS].
func (d *Disk) Open(name string) (io.ReadCloser, error) {
	if err := d.call(Open); err != nil {
		return nil, err
	}
	node, ok := d.live[name]
	if !ok {
		return nil, missing("open", name)
	}
	return &reader{d, node, 0}, nil
}

// Rename implements [snapshot.FS].
func (d *Disk) Rename(oldName, newName string) error {
	if err := d.call(Rename); err != nil {
		return err
	}
	node, ok := d.live[oldName]
	if !ok {
		return missing("rename", oldName)
	}
	d.change(change{dir: filepath.Dir(newName), unset: oldName, set: newName, node: node})
	return nil
}

// Remove implements [snapshot.FS].
func (d *Disk) Remove(name string) error {
	if err := d.call(Remove); err != nil {
		return err
	}
	if d.live[name] == nil {
		return missing("remove", name)
	}
	d.change(change{dir: filepath.Dir(name), unset: name})
	return nil
}

// SyncDir implements [snapshot.FS].
func (d *Disk) SyncDir(dir string) error {
	if err := d.call(SyncDir); err != nil {
		return err
	}
	var rest []change
	for _, c := range d.pending {
		if c.dir == dir {
			c.apply(d.durable)
		} else {
			rest = append(rest, c)
		}
	}
	d.pending = rest
	return nil
}

// Lock implements [snapshot.FS]. The lock file itself is not shown.
func (d *Disk) Lock(name string) (io.Closer, error) {
	if err := d.call(Lock); err != nil {
		return nil, err
	}
	if d.locks[name] {
		return nil, snapshot.ErrLocked
	}
	d.locks[name] = true
	return unlock(func() error {
		if err := d.call(Close); err != nil {
			return err
		}
		delete(d.locks, name)
		return nil
	}), nil
}

type unlock func() error

func (u unlock) Close() error { return u() }

// file is a file being written.
type file struct {
	disk *Disk
	node *inode
}

func (f *file) Write(b []byte) (int, error) {
	if f.disk.crashed {
		return 0, ErrCrashed
	}
	err := f.disk.call(Write)
	if err == nil && f.disk.full {
		err = syscall.ENOSPC
	}
	n := len(b)
	if err != nil {
		n /= 2
	}
	data := slices.Clone(b[:n])
	f.node.dirty = append(f.node.dirty, span{len(f.node.live), data})
	f.node.live = append(f.node.live, data...)
	return n, err
}

func (f *file) Sync() error {
	if err := f.disk.call(Sync); err != nil {
		if !f.disk.crashed {
			f.node.dirty = nil // lost, and clean: the next Sync has nothing to do
		}
		return err
	}
	for _, s := range f.node.dirty {
		f.node.durable = overwrite(f.node.durable, s.offset, s.data)
	}
	f.node.dirty = nil
	return nil
}

func (f *file) Close() error { return f.disk.call(Close) }

// reader is a file being read.
type reader struct {
	disk   *Disk
	node   *inode
	offset int
}

func (r *reader) Read(b []byte) (int, error) {
	if err := r.disk.call(Read); err != nil {
		return 0, err
	}
	if r.offset >= len(r.node.live) {
		return 0, io.EOF
	}
	n := copy(b, r.node.live[r.offset:])
	r.offset += n
	return n, nil
}

func (r *reader) Close() error { return r.disk.call(Close) }

func missing(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}
