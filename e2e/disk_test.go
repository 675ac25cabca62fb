//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/internal/netlab"
)

// TestKillDuringWrites ends an agent with kill -9 twenty times while it writes:
// it always starts again, as the same node in a later epoch, and has every write
// that was acknowledged as durable. Its peer learns the last one, too.
func TestKillDuringWrites(t *testing.T) {
	t.Parallel()
	const rounds = 20
	ring := newRing(t)
	peer := plan{name: "peer", ring: ring, data: private(t)}.run(t)
	p := plan{name: "writer", ring: ring, data: private(t), seeds: []string{peer.gossip}}
	id, epoch := "", uint64(0)
	var acked, tried uint64
	for round := range rounds {
		a := p.run(t)
		info, err := ask(a.Info)
		if err != nil {
			t.Fatal(err)
		}
		if id != "" && id != a.id || info.Self.Epoch <= epoch {
			t.Fatalf("round %d: id %s epoch %d, was %s epoch %d", round, a.id, info.Self.Epoch, id, epoch)
		}
		id, epoch = a.id, info.Self.Epoch
		if round > 0 {
			holds(t, a, acked, tried)
		}
		acked, tried = writeUntilKilled(t, a, tried, uint64(3+7*round%11))
	}
	a := p.run(t)
	holds(t, a, acked, tried)
	last, err := ask(func(ctx context.Context) ([]byte, error) { return a.MetaValue(ctx, "count") })
	if err != nil {
		t.Fatal(err)
	}
	await(t, patience, "the peer knows the last write", knows(peer, id, "count", string(last)))
	t.Logf("%d kills, %d writes acknowledged, epoch %d", rounds, acked, epoch)
}

// writeUntilKilled counts up a key until the agent is killed, which happens in
// the midst of the writes that follow the given number of acknowledged ones. It
// returns the last number that was acknowledged and the last that was sent.
func writeUntilKilled(t *testing.T, a *agent, from, writes uint64) (acked, tried uint64) {
	t.Helper()
	var enough atomic.Bool
	killed := make(chan struct{})
	reached := make(chan struct{})
	go func() {
		defer close(killed)
		<-reached
		a.kill()
	}()
	defer func() { <-killed }()
	for tried = from + 1; ; tried++ {
		report, err := ask(func(ctx context.Context) (api.WriteReport, error) {
			return a.SetMeta(ctx, "count", strconv.AppendUint(nil, tried, 10))
		})
		switch {
		case err != nil && enough.Load():
			return acked, tried
		case err != nil || !report.Durable:
			if enough.CompareAndSwap(false, true) {
				close(reached)
			}
			t.Errorf("write %d: %+v, %v", tried, report, err)
			return acked, tried
		}
		if acked = tried; acked-from >= writes && enough.CompareAndSwap(false, true) {
			close(reached)
		}
	}
}

// holds checks that the agent has a write no older than the last acknowledged
// and no younger than the last sent.
func holds(t *testing.T, a *agent, acked, tried uint64) {
	t.Helper()
	value, err := ask(func(ctx context.Context) ([]byte, error) { return a.MetaValue(ctx, "count") })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := strconv.ParseUint(string(value), 10, 64); err != nil || got < acked || got > tried {
		t.Errorf("after kill -9: %q (%v), want %d to %d", value, err, acked, tried)
	}
}

// TestFullDisk fills the disk under a running agent: it keeps serving, says that
// it does not save, and recovers with all that was written meanwhile.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	netlab.Require(t) // for the right to mount
	ring := newRing(t)
	disk := mounted(t, "size=256k,mode=0700")
	peer := plan{name: "peer", ring: ring}.run(t)
	p := plan{name: "full", ring: ring, data: filepath.Join(disk, "data"), seeds: []string{peer.gossip}}
	a := p.run(t)
	both := alive(a, peer)
	await(t, patience, "both know each other", agree(both, a, peer))
	if report := set(t, a, "before", "1"); !report.Durable || report.Problem != "" {
		t.Errorf("write to a disk with room: %+v", report)
	}

	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	report := set(t, a, "during", string(bytes.Repeat([]byte("x"), 20<<10)))
	if report.Durable || contains(report.Problem, "no space") != nil {
		t.Errorf("write to a full disk: %+v", report)
	}
	if err := degraded(a); err != nil {
		t.Error(err)
	}
	if out := succeed(t, "info", "--http", a.web); contains(out, "not saved", "no space") != nil {
		t.Errorf("info prints %q", out)
	}
	code, _, stderr := command(t, "meta", "set", "--http", a.web, "cli", "1")
	if code != exitDone || contains(stderr, "warning", "not saved", "no space") != nil {
		t.Errorf("meta set: exit code %d, %q", code, stderr)
	}
	if failures := a.metric(t, "hearsay_state_save_failures_total"); failures == 0 {
		t.Error("no failure is counted")
	}
	await(t, patience, "the peer knows what is not on disk", knows(peer, a.id, "cli", "1"))
	await(t, patience, "the agent serves", agree(both, a, peer))

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	took := await(t, patience, "the agent saves again by itself", func() error {
		if degraded(a) == nil {
			return errors.New("it still says that it does not")
		}
		return nil
	})
	t.Logf("room again: saved after %v", took)
	a.kill()
	a = p.run(t)
	for key, want := range map[string]string{"before": "1", "cli": "1"} {
		await(t, patience, "restored metadata", knows(a, a.id, key, want))
	}
}

// fill takes all room of a file system.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, unix.Getpagesize())
	for err == nil {
		_, err = f.Write(page)
	}
	if closed := f.Close(); !errors.Is(err, syscall.ENOSPC) || closed != nil {
		t.Fatalf("fill: %v, %v", err, closed)
	}
}

// degraded returns why an agent does not say that it cannot save.
func degraded(a *agent) error {
	info, err := ask(a.Info)
	if err != nil {
		return err
	}
	if info.Problem == "" {
		return fmt.Errorf("no problem in %+v", info)
	}
	return nil
}
