package state

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/snapshot"
	"github.com/hearsay-gossip/hearsay/snapshot/snapshottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var owner = snapshot.Identity{Cluster: [16]byte{1}, Node: member.NodeID{2}}

const wallClock = 1_700_000_000

func open(t *testing.T, disk snapshot.FS, newKey bool) (*Keeper, State) {
	t.Helper()
	k, s, err := Open(Config{FS: disk, Dir: "data", Owner: owner, Logger: slog.New(slog.DiscardHandler), NewKey: newKey, Now: wallClock})
	if err != nil {
		t.Fatal(err)
	}
	return k, s
}

func full() State {
	return State{
		Epoch: 7,
		Facts: []Fact{{"zone", []byte("eu")}, {"empty", nil}, {"raw", []byte{0xff, 0}}},
		Peers: []Peer{
			{ID: member.NodeID{3}, Name: "b", Epoch: 4, State: member.Alive, Addr: netip.MustParseAddrPort("127.0.0.1:7946")},
			{ID: member.NodeID{4}, Name: "c", Epoch: math.MaxUint64, State: member.Dead, Addr: netip.MustParseAddrPort("[::1]:1")},
		},
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	k, s := open(t, disk, true)
	if want := (State{Epoch: 1}); !reflect.DeepEqual(s, want) {
		t.Fatalf("a new directory holds %+v, want %+v", s, want)
	}
	want := full()
	k.Run(func() State { return want })
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k, s = open(t, disk, false)
	want.Epoch++
	want.Facts[1].Value = []byte{}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("found %+v, want %+v", s, want)
	}
	k.Run(full)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

// security.md §10 rule 8: the epoch is synced before the first packet.
func TestEpochIsDurableWhenOpenReturns(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	for want := member.Epoch(1); want <= 5; want++ {
		if _, s := open(t, disk, want == 1); s.Epoch != want {
			t.Fatalf("epoch %d, want %d", s.Epoch, want)
		}
		disk.Reboot()
	}
}

func TestLostCountersAreReplacedByTheClock(t *testing.T) {
	if _, s := open(t, snapshottest.NewDisk(1), false); s.Epoch != wallClock {
		t.Errorf("an old key in a new directory starts at epoch %d, want %d", s.Epoch, wallClock)
	}
	disk := snapshottest.NewDisk(1)
	for range 2 {
		open(t, disk, true)
		disk.Reboot()
	}
	names := disk.Names()
	newest := slices.Max(slices.DeleteFunc(names, func(n string) bool { return n == "data/LOCK" }))
	disk.Replace(newest, []byte("rot"))
	if _, s := open(t, disk, false); s.Epoch != wallClock {
		t.Errorf("after damage to %s the epoch is %d, want %d", newest, s.Epoch, wallClock)
	}
}

func TestEpochsEnd(t *testing.T) {
	if _, err := nextEpoch(math.MaxUint64, Config{}, snapshot.Report{}); !errors.Is(err, ErrEpochs) {
		t.Errorf("after the last epoch comes %v", err)
	}
}

func TestLeftFlagIsReportedOnce(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	k, _ := open(t, disk, true)
	k.Run(full)
	if err := k.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil { // saves again, with the flag
		t.Fatal(err)
	}
	k, s := open(t, disk, false)
	k.Run(full)
	if err := k.Close(); err != nil || !s.Left {
		t.Fatalf("left is %t after leaving: %v", s.Left, err)
	}
	if _, s = open(t, disk, false); s.Left {
		t.Error("left survives a second start")
	}
}

func TestDirectoryHasOneOwnerAtATime(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	open(t, disk, true)
	cfg := Config{FS: disk, Dir: "data", Owner: owner, Logger: slog.New(slog.DiscardHandler)}
	if _, _, err := Open(cfg); !errors.Is(err, snapshot.ErrLocked) {
		t.Errorf("a second process: %v, want ErrLocked", err)
	}
	disk.Reboot()
	cfg.Owner.Node = member.NodeID{9}
	if _, _, err := Open(cfg); !errors.Is(err, snapshot.ErrIdentity) {
		t.Errorf("another node: %v, want ErrIdentity", err)
	}
}

func TestUnwritableDirectoryIsRefused(t *testing.T) {
	disk := snapshottest.NewDisk(1)
	disk.SetFull(true)
	if _, _, err := Open(Config{FS: disk, Dir: "data", Owner: owner, Logger: slog.New(slog.DiscardHandler)}); !errors.Is(err, snapshot.ErrDegraded) {
		t.Errorf("a full disk: %v, want ErrDegraded", err)
	}
}

func TestChangesAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := open(t, snapshottest.NewDisk(1), true)
		k.Run(full)
		for range 10 {
			k.Touch()
			time.Sleep(SaveDelay / 10)
			synctest.Wait()
		}
		if done, _ := k.Saves(); done != 2 { // the first was by Open
			t.Errorf("%d saves after ten changes within the delay, want 2", done)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
}

// fillable is a disk that another goroutine may declare full.
type fillable struct {
	*snapshottest.Disk
	full atomic.Bool
}

func (f *fillable) Create(name string) (snapshot.File, error) {
	if f.full.Load() {
		return nil, syscall.ENOSPC
	}
	return f.Disk.Create(name)
}

func TestFailingDiskIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &fillable{Disk: snapshottest.NewDisk(1)}
		k, _ := open(t, disk, true)
		k.Run(full)
		disk.full.Store(true)
		if err := k.Flush(t.Context()); !errors.Is(err, snapshot.ErrDegraded) || k.Problem() == "" {
			t.Fatalf("flush to a full disk: %v, problem %q", err, k.Problem())
		}
		time.Sleep(7*SaveDelay - 1) // pauses of 2 and 4 times the delay
		synctest.Wait()
		if done, failed := k.Saves(); done != 1 || failed != 3 {
			t.Errorf("%d saves and %d failures, want 1 and 3", done, failed)
		}
		disk.full.Store(false)
		time.Sleep(retryMax)
		synctest.Wait()
		if done, _ := k.Saves(); done != 2 || k.Problem() != "" {
			t.Errorf("%d saves on the mended disk, problem %q", done, k.Problem())
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		if err := k.Flush(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("flush after close: %v", err)
		}
		if err := k.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	k, _ := open(t, snapshottest.NewDisk(1), true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Flush(ctx); !errors.Is(err, context.Canceled) { // nobody runs
		t.Errorf("flush: %v", err)
	}
	k.Run(full)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestPeersAreBounded(t *testing.T) {
	var s State
	for i := range PeersMax + 5 {
		s.Peers = append(s.Peers, Peer{Name: member.Name("n" + strconv.Itoa(i)), State: member.Alive, Addr: netip.MustParseAddrPort("127.0.0.1:1")})
	}
	n := 0
	for r := range s.records() {
		if r.Type == recordPeer {
			n++
		}
	}
	if n != PeersMax {
		t.Errorf("%d peers are saved, want %d", n, PeersMax)
	}
}

func TestStrangeRecordsAreRefused(t *testing.T) {
	good := full().Peers[0].append(nil)
	badState := slices.Clone(good)
	badState[24] = 9
	tests := map[string]snapshot.Record{
		"short epoch":   {Type: recordEpoch, Payload: []byte{1}},
		"odd flag":      {Type: recordLeft, Payload: []byte{2}},
		"no key":        {Type: recordFact, Payload: []byte{0, 0, 'v'}},
		"short key":     {Type: recordFact, Payload: []byte{0, 9, 'k'}},
		"no fact":       {Type: recordFact},
		"short peer":    {Type: recordPeer, Payload: good[:20]},
		"short address": {Type: recordPeer, Payload: good[:len(good)-1]},
		"odd state":     {Type: recordPeer, Payload: badState},
	}
	for name, r := range tests {
		if _, err := decode([]snapshot.Record{r}); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v, want ErrRecord", name, err)
		}
	}
	if s, err := decode([]snapshot.Record{{Type: 200, Payload: []byte("later")}}); err != nil || !reflect.DeepEqual(s, State{}) {
		t.Errorf("a type of a later release: %+v, %v", s, err)
	}
}

func FuzzDecode(f *testing.F) {
	s := full()
	for r := range s.records() {
		f.Add(r.Type, r.Payload)
	}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		s, err := decode([]snapshot.Record{{Type: kind, Payload: payload}})
		if err != nil || kind < recordFact || kind > recordPeer {
			return
		}
		for r := range s.records() { // canonical: what is understood is written the same way
			if r.Type == kind && string(r.Payload) != string(payload) {
				t.Errorf("%x is written again as %x", payload, r.Payload)
			}
		}
	})
}
