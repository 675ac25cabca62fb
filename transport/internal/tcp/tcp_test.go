package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flaky is a listener whose Accept returns the scripted errors in order, then
// the connection, then waits for Close.
type flaky struct {
	errs   []error
	conn   net.Conn
	closed chan struct{}
}

func (f *flaky) Accept() (net.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: err}
	}
	if conn := f.conn; conn != nil {
		f.conn = nil
		return conn, nil
	}
	<-f.closed
	return nil, net.ErrClosed
}

func (f *flaky) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7946} }

func (f *flaky) Close() error {
	close(f.closed)
	return nil
}

func TestAcceptWaitsOutPassingErrorsWithGrowingDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		var counters transport.Counters
		listener := &flaky{
			errs:   []error{syscall.EMFILE, syscall.ECONNABORTED, syscall.EMFILE},
			conn:   near,
			closed: make(chan struct{}),
		}
		e := serve(listener, &counters)
		start := time.Now()
		conn, err := e.Accept()
		if err != nil || conn != near {
			t.Fatalf("Accept = %v, %v, want the connection after the errors", conn, err)
		}
		if got, want := time.Since(start), (5+10+20)*time.Millisecond; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
		if got := counters.Stats().AcceptErrors; got != 3 {
			t.Errorf("AcceptErrors = %d, want 3", got)
		}
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestCloseInterruptsTheDelayOfAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := &flaky{errs: make([]error, 100), closed: make(chan struct{})}
		for i := range listener.errs {
			listener.errs[i] = syscall.EMFILE
		}
		e := serve(listener, new(transport.Counters))
		time.AfterFunc(10*time.Second+time.Millisecond, func() { _ = e.Close() })
		start := time.Now()
		if _, err := e.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v, want net.ErrClosed", err)
		}
		if got, want := time.Since(start), 10*time.Second+time.Millisecond; got != want {
			t.Errorf("Accept returned after %v, want %v", got, want)
		}
	})
}

func TestAcceptReturnsABrokenListener(t *testing.T) {
	e := serve(&flaky{errs: []error{syscall.EBADF}, closed: make(chan struct{})}, new(transport.Counters))
	defer e.Close()
	if _, err := e.Accept(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Accept = %v, want EBADF", err)
	}
}

func TestCloseInterruptsDial(t *testing.T) {
	e, err := Listen(t.Context(), "127.0.0.1:0", new(transport.Counters))
	if err != nil {
		t.Fatal(err)
	}
	dialling := make(chan struct{})
	e.dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		close(dialling)
		<-ctx.Done()
		return ctx.Err()
	}
	result := make(chan error)
	go func() {
		_, err := e.Dial(context.Background(), e.Addr())
		result <- err
	}()
	<-dialling
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-result; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial = %v, want net.ErrClosed", err)
	}
}

func TestDialSpeaksFromTheIPItListensOn(t *testing.T) {
	here, err := Listen(t.Context(), "127.0.0.1:0", new(transport.Counters))
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	conn, err := here.Dial(t.Context(), netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), here.Addr().Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := here.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if got := AddrPort(accepted.RemoteAddr()).Addr(); got != here.Addr().Addr() {
		t.Errorf("peer sees %v, want %v", got, here.Addr().Addr())
	}
}

func TestNetworkFollowsTheFamilyOfALiteral(t *testing.T) {
	for bind, want := range map[string]string{
		"127.0.0.1:1": "udp4",
		"0.0.0.0:0":   "udp4",
		"[::1]:1":     "udp",
		"[::]:0":      "udp",
		":7946":       "udp",
		"localhost:1": "udp",
		"nonsense":    "udp",
	} {
		if got := Network("udp", bind); got != want {
			t.Errorf("Network(%q) = %q, want %q", bind, got, want)
		}
	}
}
