package seal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

func testStreams(tb testing.TB, n byte, adjust ...func(*StreamConfig)) *Streams {
	tb.Helper()
	cfg := StreamConfig{Identity: testIdentity(n), Ring: DevRing("test")}
	for _, f := range adjust {
		f(&cfg)
	}
	s, err := NewStreams(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func streamsOn(r *Ring) func(*StreamConfig) { return func(c *StreamConfig) { c.Ring = r } }
func plainly(c *StreamConfig)               { c.Insecure = true }

// end is what one side of a handshake came to.
type end struct {
	conn *Conn
	err  error
}

// meet runs both sides of a handshake over a pair of connections.
func meet(client, server *Streams, near, far net.Conn, want member.NodeID) (c, s end) {
	done := make(chan end)
	go func() {
		conn, err := server.Server(context.Background(), far)
		done <- end{conn, err}
	}()
	conn, err := client.Client(context.Background(), near, want)
	return end{conn, err}, <-done
}

// loopback returns the two ends of a TCP connection.
func loopback(tb testing.TB) (near, far net.Conn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func pipe(tb testing.TB) (near, far net.Conn) {
	near, far = net.Pipe()
	tb.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

var networks = map[string]func(testing.TB) (net.Conn, net.Conn){"loopback": loopback, "pipe": pipe}

func TestStreamsProveBothEnds(t *testing.T) {
	for name, connect := range networks {
		for _, insecure := range []bool{false, true} {
			set := func(c *StreamConfig) { c.Insecure = insecure }
			a, b := testStreams(t, 1, set), testStreams(t, 2, set)
			for _, want := range []member.NodeID{{}, b.identity.ID()} {
				near, far := connect(t)
				c, s := meet(a, b, near, far, want)
				if c.err != nil || s.err != nil {
					t.Fatalf("%s, insecure=%t: %v, %v", name, insecure, c.err, s.err)
				}
				if c.conn.Peer() != b.identity.ID() || s.conn.Peer() != a.identity.ID() {
					t.Errorf("%s, insecure=%t: peers %v, %v", name, insecure, c.conn.Peer(), s.conn.Peer())
				}
				exchange(t, c.conn, s.conn)
				exchange(t, s.conn, c.conn)
			}
		}
	}
}

// exchange sends a text from one end to the other.
func exchange(t *testing.T, from, to net.Conn) {
	t.Helper()
	text, done := []byte("everyone will know"), make(chan error, 1)
	go func() { _, err := from.Write(text); done <- err }()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, text) {
		t.Errorf("read %q, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStreamsRefuseStrangersAtBothEnds(t *testing.T) {
	key, _ := DevRing("test").Secret(DevRing("test").Primary())
	newKey := RingOf(DevRing("test").Cluster(), Key{1})
	otherCluster := RingOf(ClusterID{1}, key)
	tests := []struct {
		why            string
		client, server *Streams
		want           Reason
	}{
		{"client of another key", testStreams(t, 1, streamsOn(newKey)), testStreams(t, 2), UnknownKey},
		{"server of another key", testStreams(t, 1), testStreams(t, 2, streamsOn(newKey)), UnknownKey},
		{"client of another cluster", testStreams(t, 1, streamsOn(otherCluster)), testStreams(t, 2), WrongCluster},
		{"server of another cluster", testStreams(t, 1), testStreams(t, 2, streamsOn(otherCluster)), WrongCluster},
		{"insecure, another cluster", testStreams(t, 1, plainly, streamsOn(otherCluster)), testStreams(t, 2, plainly), WrongCluster},
	}
	for name, connect := range networks {
		for _, tt := range tests {
			near, far := connect(t)
			c, s := meet(tt.client, tt.server, near, far, member.NodeID{})
			if !errors.Is(c.err, tt.want) || !errors.Is(s.err, tt.want) || c.conn != nil || s.conn != nil {
				t.Errorf("%s, %s: client %v, server %v; want %v", name, tt.why, c.err, s.err, tt.want)
			}
		}
	}
}

func TestStreamToAnotherPeerIsRefused(t *testing.T) {
	for name, connect := range networks {
		for _, insecure := range []bool{false, true} {
			set := func(c *StreamConfig) { c.Insecure = insecure }
			near, far := connect(t)
			c, s := meet(testStreams(t, 1, set), testStreams(t, 2, set), near, far, testIdentity(3).ID())
			if !errors.Is(c.err, WrongReceiver) || c.conn != nil {
				t.Errorf("%s: client %v, want %v", name, c.err, WrongReceiver)
			}
			if s.err != nil { // It has proven itself; it finds the stream closed.
				t.Errorf("%s: server %v", name, s.err)
				continue
			}
			if _, err := s.conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: the stream is still open", name)
			}
		}
	}
}

func TestStreamsOpenWithEveryKeyOfTheRing(t *testing.T) {
	old := DevRing("test")
	with, err := old.With(Key{1})
	if err != nil {
		t.Fatal(err)
	}
	used, err := with.Use(with.KeyIDs()[1])
	if err != nil {
		t.Fatal(err)
	}
	a, b := testStreams(t, 1), testStreams(t, 2)
	if err := errors.Join(a.SetRing(used), b.SetRing(with)); err != nil {
		t.Fatal(err)
	}
	near, far := loopback(t)
	if c, s := meet(a, b, near, far, member.NodeID{}); c.err != nil || s.err != nil {
		t.Fatalf("%v, %v", c.err, s.err)
	}
	if err := a.SetRing(DevRing("other")); !errors.Is(err, WrongCluster) {
		t.Errorf("SetRing of another cluster = %v", err)
	}
}

func TestPlainAndSecureStreamsDoNotMix(t *testing.T) {
	near, far := loopback(t)
	c, s := meet(testStreams(t, 1, plainly), testStreams(t, 2), near, far, member.NodeID{})
	if !errors.Is(s.err, BadMagic) || !errors.Is(c.err, Malformed) {
		t.Errorf("plain client: %v; secure server: %v", c.err, s.err)
	}
	near, far = loopback(t)
	c, s = meet(testStreams(t, 1), testStreams(t, 2, plainly), near, far, member.NodeID{})
	if !errors.Is(s.err, BadMagic) || c.err == nil {
		t.Errorf("secure client: %v; plain server: %v", c.err, s.err)
	}
}

// A silent peer, and one that stops in the middle, cost exactly the limit.
func TestHandshakeEndsInTime(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		for _, say := range [][]byte{nil, {0x16}, []byte("hsy1"), {0x16, 3, 1, 2, 0, 1}} {
			synctest.Test(t, func(t *testing.T) {
				s := testStreams(t, 1, func(c *StreamConfig) { c.Insecure = insecure })
				for _, run := range []func(context.Context, net.Conn) (*Conn, error){
					s.Server,
					func(ctx context.Context, c net.Conn) (*Conn, error) { return s.Client(ctx, c, member.NodeID{}) },
				} {
					near, far := net.Pipe()
					go func() { _, _ = io.Copy(io.Discard, near) }()
					go func() { _, _ = near.Write(say) }()
					begun := time.Now()
					conn, err := run(t.Context(), far)
					if !errors.Is(err, StreamTimeout) && !(insecure && errors.Is(err, BadMagic)) || conn != nil {
						t.Errorf("insecure=%t, after %q: %v", insecure, say, err)
					}
					if took := time.Since(begun); errors.Is(err, StreamTimeout) && took != HandshakeTimeout {
						t.Errorf("insecure=%t, after %q: took %v", insecure, say, took)
					}
					near.Close()
				}
			})
		}
	}
}

func TestCancelledHandshakeEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := testStreams(t, 1).Server(ctx, far)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// cutter passes on so many bytes and then hangs up.
type cutter struct {
	net.Conn
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.left < len(p) {
		_, _ = c.Conn.Write(p[:c.left])
		c.Conn.Close()
		return c.left, io.ErrClosedPipe
	}
	c.left -= len(p)
	return c.Conn.Write(p)
}

// Whatever is cut off, at whichever end, both ends fail with a reason, or have
// proven themselves before.
func TestTruncatedHandshakeFailsWithAReason(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		set := func(c *StreamConfig) { c.Insecure = insecure }
		a, b := testStreams(t, 1, set), testStreams(t, 2, set)
		for cut := 0; cut < 1200; cut += 7 {
			near, far := net.Pipe()
			c, s := meet(a, b, &cutter{near, cut}, far, member.NodeID{})
			checkCut(t, "client", cut, c, s)
			near.Close() // Not the streams: over a pipe TLS would wait to say goodbye.
			near, far = net.Pipe()
			c, s = meet(a, b, near, &cutter{far, cut}, member.NodeID{})
			checkCut(t, "server", cut, c, s)
			near.Close()
		}
	}
}

func checkCut(t *testing.T, who string, cut int, ends ...end) {
	t.Helper()
	for _, e := range ends {
		if e.err == nil {
			continue
		}
		if why, ok := ReasonOf(e.err); !ok || why == StreamTimeout || e.conn != nil {
			t.Errorf("%s cut after %d bytes: %v", who, cut, e.err)
		}
	}
	if who == "client" && cut < helloSize && ends[1].err == nil {
		t.Errorf("server satisfied with %d bytes", cut)
	}
}

// TLS clients that are no nodes: other keys, no certificate, another protocol.
func TestForeignTLSIsRefused(t *testing.T) {
	server := testStreams(t, 2)
	node := testStreams(t, 1).client
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, foreign.Public(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	for why, change := range map[string]func(*tls.Config){
		"ECDSA key": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: foreign}}
		},
		"no certificate":    func(c *tls.Config) { c.Certificates = nil },
		"two certificates":  func(c *tls.Config) { own := &c.Certificates[0]; own.Certificate = append(own.Certificate[:1:1], der) },
		"another protocol":  func(c *tls.Config) { c.NextProtos = []string{"h2"} },
		"no protocol":       func(c *tls.Config) { c.NextProtos = nil },
		"TLS 1.2":           func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"its key not known": func(c *tls.Config) { c.Certificates = []tls.Certificate{swapped(c.Certificates[0])} },
	} {
		cfg := node.Clone()
		cfg.Certificates = append([]tls.Certificate(nil), node.Certificates...)
		change(cfg)
		near, far := loopback(t)
		go func() {
			c := tls.Client(near, cfg)
			_ = c.Handshake()
			_, _ = io.Copy(io.Discard, c)
		}()
		if conn, err := server.Server(t.Context(), far); !errors.Is(err, AuthFail) || conn != nil {
			t.Errorf("%s: %v", why, err)
		}
		near.Close()
	}
}

// swapped is a node's certificate with another node's key.
func swapped(c tls.Certificate) tls.Certificate {
	c.PrivateKey = testIdentity(9).key
	return c
}

// A member between two nodes cannot pass on their proofs.
func TestRelayedProofIsRefused(t *testing.T) {
	ring := DevRing("test")
	here, there := bytes.Repeat([]byte{1}, channelSize), bytes.Repeat([]byte{2}, channelSize)
	p := makeProof(ring, roleClient, here)
	if why := p.check(ring, roleClient, here); why != 0 {
		t.Fatal(why)
	}
	if why := p.check(ring, roleClient, there); why != AuthFail {
		t.Errorf("on another channel: %v", why)
	}
	if why := p.check(ring, roleServer, here); why != AuthFail {
		t.Errorf("in the other role: %v", why)
	}
	for i := range 8 * len(p) {
		bad := p
		bad[i/8] ^= 1 << (i % 8)
		want := AuthFail
		switch at := i / 8; {
		case at == 0:
			want = BadVersion
		case at < 1+clusterIDSize:
			want = WrongCluster
		case at < 1+clusterIDSize+keyIDSize:
			want = UnknownKey
		}
		if why := bad.check(ring, roleClient, here); why != want {
			t.Fatalf("bit %d of byte %d flipped: %v, want %v", i%8, i/8, why, want)
		}
	}
	p.withhold()
	if why := p.check(ring, roleClient, here); why != AuthFail {
		t.Errorf("withheld: %v", why)
	}
}

func TestStreamConfigProblemsComeTogether(t *testing.T) {
	if _, err := NewStreams(StreamConfig{}); !errors.Is(err, ErrConfig) {
		t.Errorf("NewStreams of nothing = %v", err)
	}
}

// Both ends, over a pipe: the arithmetic without the network.
func BenchmarkHandshake(b *testing.B) {
	for _, insecure := range []bool{false, true} {
		name := map[bool]string{false: "tls", true: "insecure"}[insecure]
		b.Run(name, func(b *testing.B) {
			set := func(c *StreamConfig) { c.Insecure = insecure }
			client, server := testStreams(b, 1, set), testStreams(b, 2, set)
			b.ReportAllocs()
			for b.Loop() {
				near, far := net.Pipe()
				c, s := meet(client, server, near, far, member.NodeID{})
				if c.err != nil || s.err != nil {
					b.Fatal(c.err, s.err)
				}
				near.Close()
				far.Close()
			}
		})
	}
}

// BenchmarkIdleStream reports the heap that one end of a proven stream holds
// while nobody speaks.
func BenchmarkIdleStream(b *testing.B) {
	const crowd = 100
	client, server := testStreams(b, 1), testStreams(b, 2)
	for b.Loop() {
		nears, fars := make([]net.Conn, crowd), make([]net.Conn, crowd)
		for i := range crowd {
			nears[i], fars[i] = net.Pipe()
		}
		before := liveHeap()
		conns := make([]*Conn, 0, 2*crowd)
		for i := range crowd {
			c, s := meet(client, server, nears[i], fars[i], member.NodeID{})
			if c.err != nil || s.err != nil {
				b.Fatal(c.err, s.err)
			}
			conns = append(conns, c.conn, s.conn)
		}
		b.ReportMetric((liveHeap()-before)/float64(len(conns)), "B/end")
		for i := range crowd {
			nears[i].Close()
		}
	}
}
