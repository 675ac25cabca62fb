package seal

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// HandshakeTimeout is how long a stream may take to prove itself. It is ten
// round trips around the world over a lossy path; a stranger who says nothing
// holds a connection for no longer.
const HandshakeTimeout = 5 * time.Second

// alpn keeps our TLS apart from any other protocol's on a port opened by
// mistake (RFC 7301).
const alpn = "hearsay/1"

// certificateMax bounds a peer's certificate. Ours has about 200 bytes.
const certificateMax = 1024

// StreamConfig says how [Streams] are made.
type StreamConfig struct {
	// Identity is this node's key. Required.
	Identity *Identity
	// Ring holds the cluster's ID and keys. Required; insecure streams use only
	// the ID.
	Ring *Ring
	// Insecure opens plain TCP streams with a hello that says who one is.
	Insecure bool
}

// Streams makes mutually proven streams of connections: TLS 1.3 (RFC 8446)
// between node keys, then a proof of the ring key bound to that very channel.
// It is safe for concurrent use.
type Streams struct {
	identity *Identity
	insecure bool
	ring     atomic.Pointer[Ring]
	client   *tls.Config
	server   *tls.Config
}

// Conn is a proven stream.
type Conn struct {
	net.Conn
	peer member.NodeID
}

// Peer returns the node at the other end. On an insecure stream it is only what
// that end says.
func (c *Conn) Peer() member.NodeID { return c.peer }

// NewStreams mints the node's certificate, which is kept in memory alone, and
// returns every problem of the configuration at once, each an [ErrConfig].
func NewStreams(cfg StreamConfig) (*Streams, error) {
	if err := (Config{Identity: cfg.Identity, Ring: cfg.Ring}).validate(); err != nil {
		return nil, err
	}
	s := &Streams{identity: cfg.Identity, insecure: cfg.Insecure}
	s.ring.Store(cfg.Ring)
	if s.insecure {
		return s, nil
	}
	certificate, err := selfSigned(cfg.Identity)
	if err != nil {
		return nil, fmt.Errorf("mint node certificate: %w", err)
	}
	// The key exchange is the library's default, hybrid post-quantum: streams
	// deliver ring keys, and a recording outlives them.
	s.client = &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{certificate},
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		// No authority is asked: the key is the node, and checkNode sees to it
		// that it is one. Which node, and whether it may, is decided after.
		InsecureSkipVerify: true,
		VerifyConnection:   checkNode,
	}
	s.server = s.client.Clone()
	s.server.ClientAuth = tls.RequireAnyClientCert
	return s, nil
}

// SetRing makes later handshakes use another ring of the same cluster.
func (s *Streams) SetRing(ring *Ring) error {
	if ring == nil || ring.Cluster() != s.ring.Load().Cluster() {
		return fmt.Errorf("set ring: %w", WrongCluster)
	}
	s.ring.Store(ring)
	return nil
}

// selfSigned mints a certificate that carries the node's key and no meaning
// besides: it is valid at any time, since clocks are not to be trusted with
// whether nodes can talk.
func selfSigned(i *Identity) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: i.ID().String()},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // "No end": RFC 5280, 4.1.2.5.
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, i.Public(), i.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key, Leaf: leaf}, nil
}

// errNotNode: the other end of a TLS connection is no node of ours.
var errNotNode = errors.New("not a node certificate")

// checkNode refuses anything but one Ed25519 certificate, before its signature
// costs a verification. That the peer holds the key is proven by TLS itself.
func checkNode(state tls.ConnectionState) error {
	certs := state.PeerCertificates
	if len(certs) != 1 || len(certs[0].Raw) > certificateMax || certs[0].PublicKeyAlgorithm != x509.Ed25519 {
		return errNotNode
	}
	if state.NegotiatedProtocol != alpn {
		return errNotNode
	}
	return nil
}

// Client makes a proven stream of a connection that this node opened, to the
// node want, or to any member when want is zero. Errors carry a [Reason];
// WrongReceiver means that another member answered. The connection is closed on
// error, and belongs to the returned stream otherwise. It takes
// [HandshakeTimeout] at most, less if the context ends.
func (s *Streams) Client(ctx context.Context, conn net.Conn, want member.NodeID) (*Conn, error) {
	return s.handshake(ctx, conn, func() (*Conn, error) {
		proven, err := s.call(conn)
		if err != nil {
			return nil, err
		}
		if !want.IsZero() && proven.peer != want {
			return nil, fmt.Errorf("%w: called %s, reached %s", WrongReceiver, want, proven.peer)
		}
		return proven, nil
	})
}

// Server makes a proven stream of a connection that this node accepted; see
// [Streams.Client].
func (s *Streams) Server(ctx context.Context, conn net.Conn) (*Conn, error) {
	return s.handshake(ctx, conn, func() (*Conn, error) { return s.answer(conn) })
}

// handshake runs one side with the time limit, and gives errors their reason.
func (s *Streams) handshake(ctx context.Context, conn net.Conn, run func() (*Conn, error)) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	proven, err := run()
	if !stop() && err == nil {
		err = ctx.Err() // The deadline may already be set: the stream is lost.
	}
	if err == nil {
		return proven, nil
	}
	_ = conn.Close() // The error at hand says more than one from closing.
	if ended := ctx.Err(); ended != nil {
		return nil, fmt.Errorf("stream handshake: %w: %w", StreamTimeout, ended)
	}
	return nil, fmt.Errorf("stream handshake: %w", reasoned(err))
}

// reasoned adds the reason to an error that has none.
func reasoned(err error) error {
	var record tls.RecordHeaderError
	_, has := ReasonOf(err)
	switch {
	case has:
		return err
	case errors.As(err, &record):
		return fmt.Errorf("%w: %w", BadMagic, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", StreamTimeout, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return fmt.Errorf("%w: %w", Malformed, err)
	}
	var broken *net.OpError
	if errors.As(err, &broken) && broken.Op != "remote error" && broken.Op != "local error" {
		return fmt.Errorf("%w: %w", Malformed, err)
	}
	return fmt.Errorf("%w: %w", AuthFail, err)
}

// call is the client's side. It speaks first in each step, so that a server
// shows nothing but its certificate to a stranger.
func (s *Streams) call(conn net.Conn) (*Conn, error) {
	if s.insecure {
		if err := s.sendHello(conn); err != nil {
			return nil, err
		}
		return s.readHello(conn)
	}
	secure := tls.Client(conn, s.client)
	channel, peer, err := establish(secure)
	if err != nil {
		return nil, err
	}
	ring := s.ring.Load()
	mine := makeProof(ring, roleClient, channel)
	if _, err := secure.Write(mine[:]); err != nil {
		return nil, err
	}
	if err := readProof(secure, ring, roleServer, channel); err != nil {
		return nil, err
	}
	return &Conn{Conn: secure, peer: peer}, nil
}

// answer is the server's side. A client whose proof fails is told which ring we
// are of, so that its operator sees why, but gets no proof.
func (s *Streams) answer(conn net.Conn) (*Conn, error) {
	if s.insecure {
		proven, err := s.readHello(conn)
		if r, _ := ReasonOf(err); err != nil && r != WrongCluster {
			return nil, err
		}
		return proven, errors.Join(err, s.sendHello(conn))
	}
	secure := tls.Server(conn, s.server)
	channel, peer, err := establish(secure)
	if err != nil {
		return nil, err
	}
	ring := s.ring.Load()
	refused := readProof(secure, ring, roleClient, channel)
	if _, judged := ReasonOf(refused); refused != nil && !judged {
		return nil, refused
	}
	mine := makeProof(ring, roleServer, channel)
	if refused != nil {
		mine.withhold()
	}
	if _, err := secure.Write(mine[:]); err != nil || refused != nil {
		return nil, errors.Join(refused, err)
	}
	return &Conn{Conn: secure, peer: peer}, nil
}

// channelSize is the length of a channel's exported secret: a whole SHA-256.
const channelSize = 32

// establish runs the TLS handshake, and returns what is unique to this channel
// (RFC 9266 in spirit, with a label of ours) and the node at its other end.
func establish(secure *tls.Conn) (channel []byte, peer member.NodeID, err error) {
	if err := secure.Handshake(); err != nil {
		return nil, member.NodeID{}, err
	}
	state := secure.ConnectionState()
	channel, err = state.ExportKeyingMaterial("EXPORTER-hearsay-ring", nil, channelSize)
	if err != nil {
		return nil, member.NodeID{}, err
	}
	return channel, IDOf(state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)), nil
}
