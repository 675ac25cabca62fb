package hearsay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/mem"
	"github.com/hearsay-gossip/hearsay/wire"
)

func TestStreamsAreSharedAndCloseWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(2)
		if s := nodes[1].Stats(); s.StreamsOpen != 1 || s.StreamsOpened != 1 {
			t.Errorf("after the join: %d of %d streams open", s.StreamsOpen, s.StreamsOpened)
		}
		// Both directions use the stream that the joiner opened.
		for i, n := range nodes {
			if err := n.Meta().Set(t.Context(), "large", bytes.Repeat([]byte{byte(i)}, 60<<10)); err != nil {
				t.Fatal(err)
			}
		}
		v.await("both values", func() bool {
			return len(nodes[0].MetaOf(nodes[1].id)) == 1 && len(nodes[1].MetaOf(nodes[0].id)) == 1
		})
		for _, n := range nodes {
			if s := n.Stats(); s.StreamBytesSent < 60<<10 || s.StreamsOpened > 2 {
				t.Errorf("%s sent %d bytes over %d streams", n.Self().Name, s.StreamBytesSent, s.StreamsOpened)
			}
		}
		time.Sleep(2 * streamIdleAccepted)
		synctest.Wait()
		for _, n := range nodes {
			if s := n.Stats(); s.StreamsOpen != 0 {
				t.Errorf("%s keeps %d idle streams", n.Self().Name, s.StreamsOpen)
			}
		}
	})
}

// peer is a stream to a node, opened by hand.
func peer(t *testing.T, v *virtual, place *mem.Transport, i int) *seal.Conn {
	t.Helper()
	proof, err := seal.NewStreams(seal.StreamConfig{Identity: identity(i), Ring: v.ring})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := place.Dial(t.Context(), addrOf(1))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := proof.Client(t.Context(), raw, identity(1).ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return conn
}

func listenAt(t *testing.T, v *virtual, i int) *mem.Transport {
	t.Helper()
	place, err := v.network.Listen(addrOf(i))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { place.Close() })
	return place
}

func TestAFrameOfImpossibleLengthEndsTheStream(t *testing.T) {
	for name, length := range map[string]uint32{"empty": 0, "too long": wire.FrameMax + 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(t)
				n := v.start(1)
				conn := peer(t, v, listenAt(t, v, 9), 9)
				if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, length)); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("Read = %v, want the end", err)
				}
				if got := dropped(t, n, "bad_frame"); got != 1 {
					t.Errorf("bad_frame = %d, want 1", got)
				}
			})
		})
	}
}

func TestOnePeerHasFewStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n, place := v.start(1), listenAt(t, v, 9)
		for range streamPeerMax + 3 {
			peer(t, v, place, 9)
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if got := n.Stats().StreamsOpen; got != streamPeerMax {
			t.Errorf("%d streams of one peer, want %d", got, streamPeerMax)
		}
		if got := dropped(t, n, "stream_limit"); got != 3 {
			t.Errorf("stream_limit = %d, want 3", got)
		}
	})
}

func TestStrangersWhoSayNothingAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n, place := v.start(1), listenAt(t, v, 9)
		for range streamInboundMax {
			conn, err := place.Dial(t.Context(), addrOf(1))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		late := v.start(2, func(c *Config) { c.Seeds = nil })
		// The first stranger's time is up before that of the joiner.
		joined, err := late.Join(t.Context(), addrOf(1).String())
		if joined != 1 || err != nil {
			t.Errorf("Join behind silent strangers = %d, %v", joined, err)
		}
		time.Sleep(seal.HandshakeTimeout)
		synctest.Wait()
		if got := dropped(t, n, "stream_timeout"); got != streamInboundMax {
			t.Errorf("stream_timeout = %d, want %d", got, streamInboundMax)
		}
	})
}

func TestAnIdleStreamMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n, place := v.start(1), listenAt(t, v, 99)
		for i := range streamInboundMax {
			peer(t, v, place, 100+i)
		}
		late := v.start(2, func(c *Config) { c.Seeds = nil })
		begun := time.Now()
		joined, err := late.Join(t.Context(), addrOf(1).String())
		if took := time.Since(begun); joined != 1 || err != nil || took > time.Second {
			t.Errorf("Join past %d idle streams = %d, %v after %v", streamInboundMax, joined, err, took)
		}
		if got := n.Stats().StreamsOpen; got != streamInboundMax {
			t.Errorf("%d streams open, want %d", got, streamInboundMax)
		}
	})
}

func TestFramesForTheUnreachableAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.start(1)
		for i := range 3 {
			n.streams.send(&core.Packet{To: identity(9).ID(), Addr: addrOf(9), Payload: fmt.Append(nil, i)})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := dropped(t, n, "stream_unreachable"); got != 3 {
			t.Errorf("stream_unreachable = %d, want 3", got)
		}
		if got := n.streams.queued; got != 0 {
			t.Errorf("%d bytes queued for nobody", got)
		}
	})
}

func TestTooMuchForOnePeerIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n, place := v.start(1), listenAt(t, v, 9)
		conn := peer(t, v, place, 9)
		synctest.Wait()
		payload := make([]byte, wire.FrameMax)
		const count = streamQueueMax/wire.FrameMax + 5
		for range count {
			n.streams.send(&core.Packet{To: identity(9).ID(), Addr: addrOf(9), Payload: payload})
			synctest.Wait() // the writer takes the first frame and waits with it
		}
		queueFull := dropped(t, n, "stream_queue_full")
		if queueFull == 0 || queueFull >= count {
			t.Errorf("stream_queue_full = %d of %d", queueFull, count)
		}
		time.Sleep(streamIdleAccepted + time.Second) // nothing moves
		synctest.Wait()
		if lost := dropped(t, n, "stream_lost"); lost+queueFull != count {
			t.Errorf("%d lost and %d refused of %d", lost, queueFull, count)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		n.streams.mu.Lock()
		defer n.streams.mu.Unlock()
		if n.streams.queued != 0 || len(n.streams.links) != 0 || n.streams.inbound != 0 {
			t.Errorf("%d bytes, %d links, %d inbound are left", n.streams.queued, len(n.streams.links), n.streams.inbound)
		}
	})
}

func TestAStreamThatEndsBeforeTheAnswerFailsTheJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		place := listenAt(t, v, 9)
		proof, err := seal.NewStreams(seal.StreamConfig{Identity: identity(9), Ring: v.ring})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			var raw net.Conn
			if raw, err = place.Accept(); err != nil {
				return
			}
			if _, err = proof.Server(t.Context(), raw); err == nil {
				time.Sleep(time.Second)
				raw.Close()
			}
		}()
		n := v.start(2, func(c *Config) { c.Seeds = nil })
		begun := time.Now()
		if _, joinErr := n.Join(t.Context(), addrOf(9).String()); !errors.Is(joinErr, ErrNoAnswer) {
			t.Errorf("Join = %v, want ErrNoAnswer", joinErr)
		}
		if took := time.Since(begun); took != time.Second+2*time.Millisecond || err != nil {
			t.Errorf("it took %v, %v", took, err)
		}
	})
}

func TestARingIsRotatedWhileTheClusterRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(2)
		old := v.ring.Primary()
		both, err := v.ring.With(seal.Key{7})
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := both.Use(seal.RingOf(v.ring.Cluster(), seal.Key{7}).Primary())
		if err != nil {
			t.Fatal(err)
		}
		alone, err := fresh.Without(old)
		if err != nil {
			t.Fatal(err)
		}
		for _, ring := range []*seal.Ring{both, fresh, alone} {
			for _, n := range nodes {
				if err := n.SetRing(ring); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		for _, n := range nodes {
			if s := n.Stats(); s.Suspicions != 0 || s.Alive != 2 {
				t.Errorf("%s: %d suspicions, %d alive", n.Self().Name, s.Suspicions, s.Alive)
			}
			if err := n.SetRing(seal.DevRing("another")); !errors.Is(err, seal.WrongCluster) {
				t.Errorf("SetRing of another cluster = %v", err)
			}
		}
		// Who was away during the rotation is refused.
		late := v.start(3, func(c *Config) { c.Seeds = nil })
		if _, err := late.Join(t.Context(), addrOf(1).String()); !errors.Is(err, seal.UnknownKey) {
			t.Errorf("Join with the old key = %v", err)
		}
	})
}

func TestAStreamIsNotIdleWhileItsFrameWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.start(1)
		late := v.start(2, func(c *Config) { c.Seeds = nil })
		// The contact is busy for longer than the idle time of both sides.
		const busy = streamIdleAccepted + 2*time.Second
		go func() { _ = n.do(context.Background(), func(*driver) { time.Sleep(busy) }) }()
		synctest.Wait()
		begun := time.Now()
		joined, err := late.Join(t.Context(), addrOf(1).String())
		if took := time.Since(begun); joined != 1 || err != nil || took != busy {
			t.Errorf("Join of a busy contact = %d, %v after %v, want 1 after %v", joined, err, took, busy)
		}
	})
}
