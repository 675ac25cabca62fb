package benchcluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pretender is a cluster without nodes: its views are full after a time, and
// it sends at a fixed rate from the start.
type pretender struct {
	fullAfter time.Duration // never when negative
	packets   uint64        // a second
	deaths    uint64
	startErr  error
	closeErr  error

	start  time.Time
	asked  int
	closed int
	block  []byte // allocated by Start, to be found on the heap
}

const (
	pretendedSize   = 50 // bytes of each packet
	pretendedStream = 7  // stream bytes with each packet

	blockSize = 1 << 20
	// heapNoise is more than the rest of a test binary frees or allocates
	// between two collections: a few KiB at most.
	heapNoise = 64 << 10
)

func (p *pretender) Start(_ context.Context, nodes int) error {
	p.start = time.Now()
	p.asked = nodes
	p.block = make([]byte, blockSize)
	return p.startErr
}

func (p *pretender) Full() bool { return p.fullAfter >= 0 && time.Since(p.start) >= p.fullAfter }

func (p *pretender) FalseDeaths() uint64 { return p.deaths }

func (p *pretender) Traffic() Traffic {
	if p.start.IsZero() {
		return Traffic{}
	}
	n := p.packets * uint64(time.Since(p.start)/time.Second)
	return Traffic{Packets: n, Bytes: n * pretendedSize, StreamBytes: n * pretendedStream}
}

func (p *pretender) Close() error {
	p.closed++
	return p.closeErr
}

var testOptions = Options{
	Nodes:    4,
	Patience: time.Minute,
	Poll:     time.Second,
	Settle:   5 * time.Second,
	Idle:     10 * time.Second,
}

func TestRunTimesThePhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pretender{fullAfter: 2500 * time.Millisecond, packets: 8, deaths: 3}
		began := time.Now()
		r, err := Run(t.Context(), p, testOptions)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(began); got != 18*time.Second {
			t.Errorf("measurement took %s, want 18s", got)
		}
		if p.asked != 4 || p.closed != 1 {
			t.Errorf("started %d nodes, closed %d times; want 4 and 1", p.asked, p.closed)
		}
		want := Result{
			Nodes: 4, FullSeconds: 3, FullOK: true, FullAfter: true, FalseDeaths: 3,
			JoinPacketsPerNode: 6, JoinBytesPerNode: 300, JoinStreamBytesPerNode: 42,
			SettleSeconds: 5, IdleSeconds: 10,
			PacketsPerNodeSecond: 2, BytesPerNodeSecond: 100, StreamBytesPerNodeSecond: 14,
		}
		if got := onlyCounted(r); got != want {
			t.Errorf("result\n got %+v\nwant %+v", got, want)
		}
		if got := r.HeapBytesPerNode * 4; got < blockSize-heapNoise || got > blockSize+heapNoise {
			t.Errorf("heap of all nodes %.0f B, want the block of %d B", got, blockSize)
		}
		if p.block[0] != 0 {
			t.Error("block is not reachable any more")
		}
	})
}

// onlyCounted drops the figures of the real process: they do not repeat.
func onlyCounted(r Result) Result {
	r.JoinCPUSeconds, r.CPUMicrosPerNodeSecond = 0, 0
	r.AllocsPerPacket, r.AllocBytesPerPacket = 0, 0
	r.HeapBytesPerNode, r.GoroutinesPerNode, r.RSSBytes = 0, 0, 0
	return r
}

func TestRunMeasuresAClusterThatNeverGetsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pretender{fullAfter: -1, packets: 4}
		r, err := Run(t.Context(), p, testOptions)
		if err != nil {
			t.Fatal(err)
		}
		if r.FullOK || r.FullAfter {
			t.Errorf("full %t, full after idle %t; want neither", r.FullOK, r.FullAfter)
		}
		if r.FullSeconds != 60 {
			t.Errorf("waited %v s, want 60", r.FullSeconds)
		}
		if r.PacketsPerNodeSecond != 1 {
			t.Errorf("%v packets a node and second, want 1", r.PacketsPerNodeSecond)
		}
	})
}

func TestRunOfASilentClusterDividesByNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Run(t.Context(), &pretender{}, testOptions)
		if err != nil {
			t.Fatal(err)
		}
		if r.AllocsPerPacket != 0 || r.AllocBytesPerPacket != 0 {
			t.Errorf("%v allocations of %v bytes a packet without packets, want 0", r.AllocsPerPacket, r.AllocBytesPerPacket)
		}
	})
}

func TestRunClosesAfterAFailedStart(t *testing.T) {
	errStart, errClose := errors.New("no sockets"), errors.New("no peace")
	p := &pretender{startErr: errStart, closeErr: errClose}
	r, err := Run(t.Context(), p, testOptions)
	if !errors.Is(err, errStart) || !errors.Is(err, errClose) {
		t.Errorf("error %v, want both %v and %v", err, errStart, errClose)
	}
	if p.closed != 1 {
		t.Errorf("closed %d times, want 1", p.closed)
	}
	if r != (Result{}) {
		t.Errorf("result %+v beside an error, want none", r)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	for name, after := range map[string]time.Duration{
		"joining":  time.Second + 1,
		"settling": 5 * time.Second,
		"idle":     10 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				p := &pretender{fullAfter: 2 * time.Second}
				began := time.Now()
				_, err := Run(ctx, p, testOptions)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
				}
				if got := time.Since(began); got != after {
					t.Errorf("ended after %s, want %s", got, after)
				}
				if p.closed != 1 {
					t.Errorf("closed %d times, want 1", p.closed)
				}
			})
		})
	}
}

func TestRunRefusesImpossibleOptions(t *testing.T) {
	p := &pretender{}
	_, err := Run(t.Context(), p, Options{Nodes: 1, Settle: -1})
	if !errors.Is(err, ErrOptions) {
		t.Fatalf("error %v, want %v", err, ErrOptions)
	}
	for _, word := range []string{"1 nodes", "patience", "poll", "settle", "idle"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not name %q", err, word)
		}
	}
	if p.asked != 0 || p.closed != 0 {
		t.Error("cluster was touched")
	}
}
