package transporttest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/hearsay-gossip/hearsay/transport"
)

// largeSize is far above what the kernel or a pipe holds, so that both ends
// must move for it to pass.
const largeSize = 4 << 20

// connect dials b from a and returns both ends.
func connect(t *testing.T, a, b transport.Transport) (near, far net.Conn) {
	t.Helper()
	dialled := make(chan error, 1)
	go func() {
		var err error
		near, err = a.Dial(t.Context(), b.Addr())
		dialled <- err
	}()
	far, err := b.Accept()
	if err != nil {
		t.Fatalf("Accept at %v: %v", b.Addr(), err)
	}
	if err := <-dialled; err != nil {
		t.Fatalf("Dial of %v: %v", b.Addr(), err)
	}
	return near, far
}

// exchange writes size bytes each way at once and compares what arrives.
func exchange(t *testing.T, near, far net.Conn, size int) {
	t.Helper()
	var moving sync.WaitGroup
	for i, way := range [...]struct{ from, to net.Conn }{{near, far}, {far, near}} {
		want := pattern(size, byte(i))
		moving.Go(func() {
			if _, err := way.from.Write(want); err != nil {
				t.Errorf("write of %d bytes: %v", size, err)
			}
		})
		moving.Go(func() {
			got := make([]byte, size)
			if n, err := io.ReadFull(way.to, got); err != nil {
				t.Errorf("read ended after %d of %d bytes: %v", n, size, err)
			} else if !bytes.Equal(got, want) {
				t.Errorf("%d bytes arrived changed or out of order", size)
			}
		})
	}
	moving.Wait()
}

// end closes near and expects far to see the end of the stream.
func end(t *testing.T, near, far net.Conn) {
	t.Helper()
	if err := near.Close(); err != nil {
		t.Errorf("close of a stream: %v", err)
	}
	if n, err := far.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read from a stream closed by the peer = %d, %v, want 0, EOF", n, err)
	}
	_ = far.Close() // its peer is gone, so an error says nothing
}

func largeStream(t *testing.T, a, b transport.Transport) {
	near, far := connect(t, a, b)
	if got, want := transportIP(far.RemoteAddr()), a.Addr().Addr().String(); got != want {
		t.Errorf("stream is from IP %s, want %s", got, want)
	}
	exchange(t, near, far, largeSize)
	end(t, near, far)
}

func transportIP(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err.Error()
	}
	return host
}

func manyStreams(t *testing.T, a, b transport.Transport) {
	const streams = 8
	type pair struct{ near, far net.Conn }
	var pairs []pair
	for i := range streams {
		var p pair
		if i%2 == 0 {
			p.near, p.far = connect(t, a, b)
		} else {
			p.near, p.far = connect(t, b, a)
		}
		pairs = append(pairs, p)
	}
	var exchanging sync.WaitGroup
	for _, p := range pairs {
		exchanging.Go(func() { exchange(t, p.near, p.far, 64<<10) })
	}
	// Datagrams pass beside busy streams.
	send(t, a, b.Addr(), pattern(100, 7))
	expect(t, b, a.Addr(), pattern(100, 7))
	exchanging.Wait()
	for _, p := range pairs {
		end(t, p.near, p.far)
	}
}

func streamsOutlive(t *testing.T, a, b transport.Transport) {
	near, far := connect(t, a, b)
	closeAll(t, a, b)
	exchange(t, near, far, 1000)
	end(t, near, far)
}
