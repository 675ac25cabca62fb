package snapshot

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	prefix     = "snapshot-"
	tempSuffix = ".tmp"
	corrupt    = ".corrupt-"
	lockName   = "LOCK"
)

// Report says what [Open] found besides the records.
type Report struct {
	// Generation is the one the records come from, 0 if there are none.
	Generation uint64
	// Cut: that file was damaged, and the records are those before the damage.
	Cut bool
	// Older: a newer generation was there and not usable. What was acknowledged
	// after the older one is lost: the caller must assume it used numbers that
	// the records do not show.
	Older bool
	// Damaged lists the files with a fault, the newest first.
	Damaged []Damage
	// Leftovers counts the temporary files of a Save that a crash cut short.
	Leftovers int
}

// Lost reports whether state that was acknowledged is missing from the records.
func (r Report) Lost() bool {
	return r.Cut || r.Older || r.Generation == 0 && len(r.Damaged) > 0
}

// Damage is a fault in one file.
type Damage struct {
	File   string // base name
	Offset int64  // everything before it is sound; 0: not even the header is
	Err    error  // wraps ErrHeader, ErrChecksum, ErrLength, ErrShort, ErrTrailing, or an error of the disk
}

// Error returns "file at offset: fault".
func (d Damage) Error() string { return fmt.Sprintf("%s at %d: %v", d.File, d.Offset, d.Err) }

// Unwrap returns the fault.
func (d Damage) Unwrap() error { return d.Err }

// Open locks dir, which it creates if need be, and returns its store, with the
// records of the newest usable generation in the order they were saved: none in
// a new directory. The records are the caller's. Damage is not an error but in
// the report.
//
// The errors are ErrLocked, ErrIdentity, ErrFormat, and ErrDegraded around an
// error of the file system, when the directory cannot be made, locked or
// listed, or a file not opened: for want of descriptors, say, which is no
// reason to go back to an older state. A file that opens but cannot be read to
// its end counts as damaged from there.
func Open(fs FS, dir string, id Identity) (*Store, []Record, Report, error) {
	if err := fs.MkdirAll(dir); err != nil {
		return nil, nil, Report{}, degraded("create", dir, err)
	}
	lock, err := fs.Lock(filepath.Join(dir, lockName))
	if errors.Is(err, ErrLocked) {
		return nil, nil, Report{}, fmt.Errorf("open %s: %w", dir, err)
	} else if err != nil {
		return nil, nil, Report{}, degraded("lock", dir, err)
	}
	s := &Store{fs: fs, dir: dir, id: id, lock: lock}
	records, report, err := s.recover()
	if err != nil {
		return nil, nil, Report{}, errors.Join(fmt.Errorf("open %s: %w", dir, err), lock.Close())
	}
	return s, records, report, nil
}

// recover reads the directory and fills the store. It removes temporary files
// and touches nothing else.
func (s *Store) recover() ([]Record, Report, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return nil, Report{}, degraded("list", s.dir, err)
	}
	var report Report
	generations := s.sort(names, &report)
	var records []Record
	for _, generation := range generations {
		found, damage, err := s.read(generation)
		if err != nil {
			return nil, Report{}, err
		}
		usable := damage == nil || len(found) > 0
		if usable && report.Generation == 0 {
			records = found
			report.Generation = generation
			report.Cut = damage != nil && !errors.Is(damage, ErrTrailing)
			report.Older = generation != generations[0]
		}
		if damage == nil {
			s.kept = append(s.kept, generation)
			break // nothing older is needed: a whole one is there to fall back to
		}
		report.Damaged = append(report.Damaged, *damage)
		s.damaged = append(s.damaged, generation)
	}
	// What was not read is older than a whole generation. One of it may stay.
	rest := generations[len(s.kept)+len(s.damaged):]
	if len(s.kept) > 0 && len(s.damaged) == 0 && len(rest) > 0 {
		s.kept, rest = append(s.kept, rest[0]), rest[1:]
	}
	for _, generation := range rest {
		s.stale = append(s.stale, name(generation))
	}
	return records, report, nil
}

// sort returns the generations among names, the newest first, notes the highest
// number ever used, and removes temporary files. A number in use is never used
// again, also if its file was set aside.
func (s *Store) sort(names []string, report *Report) []uint64 {
	var generations []uint64
	for _, n := range names {
		generation, suffix, ok := parseName(n)
		if !ok {
			continue
		}
		s.generation = max(s.generation, generation)
		switch {
		case suffix == "":
			generations = append(generations, generation)
		case suffix == tempSuffix:
			report.Leftovers++
			s.discard(n)
		default:
			s.aside = append(s.aside, n)
		}
	}
	slices.Sort(generations)
	slices.Reverse(generations)
	slices.Sort(s.aside) // by generation, hence by age
	return generations
}

// read reads one generation. Damage is what is wrong with the file; an error is
// what must stop the caller.
func (s *Store) read(generation uint64) ([]Record, *Damage, error) {
	f, err := s.fs.Open(s.path(name(generation)))
	if err != nil {
		return nil, nil, degraded("open", name(generation), err)
	}
	defer f.Close()
	d := newDecoder(f)
	if err := d.header(s.id, generation); errors.Is(err, ErrIdentity) || errors.Is(err, ErrFormat) {
		return nil, nil, fmt.Errorf("%s: %w", name(generation), err)
	} else if err != nil {
		return nil, &Damage{name(generation), 0, err}, nil
	}
	records, err := d.records()
	if err != nil {
		return records, &Damage{name(generation), d.offset, err}, nil
	}
	return records, nil, nil
}

// name returns the base name of a generation. Its digits make the order of
// names that of numbers.
func name(generation uint64) string { return fmt.Sprintf("%s%016x", prefix, generation) }

// parseName takes a base name apart: "", ".tmp" or ".corrupt-N" may follow the
// number.
func parseName(base string) (generation uint64, suffix string, ok bool) {
	digits, ok := strings.CutPrefix(base, prefix)
	if !ok || len(digits) < 16 {
		return 0, "", false
	}
	digits, suffix = digits[:16], digits[16:]
	generation, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || name(generation) != prefix+digits {
		return 0, "", false
	}
	if number, is := strings.CutPrefix(suffix, corrupt); is {
		_, err := strconv.ParseUint(number, 10, 32)
		return generation, suffix, err == nil
	}
	return generation, suffix, suffix == "" || suffix == tempSuffix
}
