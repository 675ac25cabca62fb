package benchcluster

import (
	"crypto/sha256"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// kept holds what a test must not lose to the collector.
var kept [][]byte

func TestCollectCountsEveryObject(t *testing.T) {
	const objects, size = 10_000, 64
	kept = make([][]byte, objects)
	before := collect()
	for i := range kept {
		kept[i] = make([]byte, size)
	}
	after := collect()
	if got := after.objects - before.objects; got < objects {
		t.Errorf("%d objects allocated, want %d at least", got, objects)
	}
	if got := after.bytes - before.bytes; got < objects*size {
		t.Errorf("%d bytes allocated, want %d at least", got, objects*size)
	}
	kept = nil
	if got := after.objects; collect().objects < got {
		t.Error("objects that were freed are no longer counted")
	}
}

func TestLiveHeapIsWhatIsReachable(t *testing.T) {
	empty := liveHeap()
	kept = [][]byte{make([]byte, blockSize)}
	held := liveHeap()
	kept = nil
	freed := liveHeap()
	if held < empty+blockSize-heapNoise || held > empty+blockSize+heapNoise {
		t.Errorf("live heap went from %d to %d bytes, want %d more", empty, held, blockSize)
	}
	if freed > empty+heapNoise {
		t.Errorf("live heap is %d bytes after release, want about the %d from before", freed, empty)
	}
}

func TestCollectCountsTinyObjects(t *testing.T) {
	const objects = 10_000
	tiny := make([]*uint16, objects)
	before := collect()
	for i := range tiny {
		tiny[i] = new(uint16)
	}
	after := collect()
	runtime.KeepAlive(tiny)
	if got := after.objects - before.objects; got < objects {
		t.Errorf("%d objects allocated, want %d at least", got, objects)
	}
}

func TestProcessorTimeRisesWithWork(t *testing.T) {
	const work = 10 * time.Millisecond
	start, err := processorTime()
	if err != nil {
		t.Fatal(err)
	}
	var sum [sha256.Size]byte
	// Ends by processor time, however long that takes on a busy machine.
	for now := start; now < start+work; {
		for range 1000 {
			sum = sha256.Sum256(sum[:])
		}
		later, err := processorTime()
		if err != nil {
			t.Fatal(err)
		}
		if later < now {
			t.Fatalf("processor time fell from %s to %s", now, later)
		}
		now = later
	}
	if sum == [sha256.Size]byte{} {
		t.Fatal("no work was done")
	}
}

func TestResidentIsWholePages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	got := resident()
	if got == 0 || got%uint64(os.Getpagesize()) != 0 {
		t.Errorf("resident memory of %d bytes, want a positive number of pages", got)
	}
}

func TestResidentPagesReadsTheSecondField(t *testing.T) {
	pages, err := residentPages([]byte("300 42 7 1 0 9 0\n"))
	if err != nil || pages != 42 {
		t.Errorf("%d pages, error %v; want 42", pages, err)
	}
	for _, bad := range []string{"", "300 42", "300 x 7 1 0 9 0"} {
		if pages, err := residentPages([]byte(bad)); err == nil {
			t.Errorf("%q gave %d pages, want an error", bad, pages)
		}
	}
}

func TestVersionIsWhatTheBuildRecorded(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Path: "example.com/main", Version: "v0.1.0"}, Deps: []*debug.Module{
		{Path: "example.com/plain", Version: "v1.2.3"},
		{Path: "example.com/folder", Version: "v0.0.0", Replace: &debug.Module{Path: "../"}},
		{Path: "example.com/fork", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/ours", Version: "v1.0.1"}},
	}}
	for module, want := range map[string]string{
		"example.com/main":   "v0.1.0",
		"example.com/plain":  "v1.2.3",
		"example.com/folder": "(devel)",
		"example.com/fork":   "v1.0.1",
		"example.com/absent": "unknown",
	} {
		if got := version(info, module); got != want {
			t.Errorf("version of %s is %q, want %q", module, got, want)
		}
	}
}
