package benchcluster

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// reading is what is read at both ends of a phase.
type reading struct {
	at      time.Time
	cpu     time.Duration
	traffic Traffic
}

func take(c Cluster) (reading, error) {
	cpu, err := processorTime()
	if err != nil {
		return reading{}, err
	}
	return reading{at: time.Now(), cpu: cpu, traffic: c.Traffic()}, nil
}

// memory is the state of the heap right after a collection.
type memory struct {
	objects uint64 // allocated since the process started, freed ones included
	bytes   uint64 // the same in bytes
	live    uint64 // bytes reachable now
}

// collect collects garbage, then reads the heap. The collection does more than
// find what is live: each processor keeps its own count of small allocations
// until a collection gathers them, and with eight idle nodes the part not yet
// gathered is as large as what is measured.
func collect() memory {
	runtime.GC()
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:objects"},
		// Objects below 16 bytes without pointers share a block, of which
		// only the block is counted above.
		{Name: "/gc/heap/tiny/allocs:objects"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	return memory{
		objects: samples[0].Value.Uint64() + samples[1].Value.Uint64(),
		bytes:   samples[2].Value.Uint64(),
		live:    samples[3].Value.Uint64(),
	}
}

// liveHeap is how many bytes of the heap are in use. It collects twice: the
// first collection only sets aside what a sync.Pool holds, the second frees it.
func liveHeap() uint64 {
	collect()
	return collect().live
}

// resident is the memory of this process that is in RAM now, in bytes, or 0
// where there is no Linux /proc to tell. The peak that getrusage(2) offers
// everywhere is another figure: it would be that of the join.
func resident() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := residentPages(statm)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// residentPages reads the second of the seven numbers of proc_pid_statm(5).
func residentPages(statm []byte) (uint64, error) {
	fields := bytes.Fields(statm)
	if len(fields) != 7 {
		return 0, fmt.Errorf("parse statm: %d fields, want 7", len(fields))
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parse statm: %w", err)
	}
	return pages, nil
}

// Version returns the version of a module in the running program as the build
// recorded it: "(devel)" for one built from a folder, "unknown" for one that is
// not part of the program.
func Version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	return version(info, module)
}

const (
	unknownVersion = "unknown"
	localVersion   = "(devel)" // the word the go command itself uses
)

func version(info *debug.BuildInfo, module string) string {
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != module {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version == "" {
			return localVersion
		}
		return m.Version
	}
	return unknownVersion
}
