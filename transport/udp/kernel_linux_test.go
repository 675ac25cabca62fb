package udp

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// With IP_RECVERR a Linux socket reports ICMP refusals on reads, as Windows
// sockets always do.
func TestReceiveOutlivesARealRefusal(t *testing.T) {
	tr := listen(t, "127.0.0.1:0")
	raw, err := tr.packets.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var optErr error
	if err := raw.Control(func(fd uintptr) {
		optErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	}); err != nil || optErr != nil {
		t.Fatal(err, optErr)
	}
	dead := listen(t, "127.0.0.1:0")
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tr.Send(dead.Addr(), []byte("anyone there?")); err != nil {
		t.Fatal(err)
	}
	alive := listen(t, "127.0.0.1:0")
	if err := alive.Send(tr.Addr(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, from, err := tr.Receive(buf); err != nil || from != alive.Addr() || string(buf[:n]) != "hello" {
		t.Errorf("Receive = %q from %v, %v", buf[:n], from, err)
	}
	if got := tr.Stats().ReadErrors; got != 1 {
		t.Errorf("ReadErrors = %d, want 1: the refusal never came", got)
	}
}

func TestOverflowOfTheKernelsBufferIsCounted(t *testing.T) {
	tr, err := Config{ReceiveBuffer: 32 << 10}.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const sent = 500
	packet := make([]byte, 1232)
	for range sent {
		if err := tr.Send(tr.Addr(), packet); err != nil {
			t.Fatal(err)
		}
	}
	// Loopback delivers within the call of Send: what did not fit is lost by now.
	lost := tr.Stats().Overflow
	if lost == 0 || lost >= sent {
		t.Errorf("Overflow = %d of %d, want some", lost, sent)
	}
	buf := make([]byte, 2048)
	for range sent - lost {
		if _, _, err := tr.Receive(buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tr.Stats().Overflow; got != lost {
		t.Errorf("Overflow = %d after Close, want still %d", got, lost)
	}
}
