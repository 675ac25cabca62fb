//go:build unix

package stream

import (
	"net"
	"syscall"
	"testing"
)

// arrived waits until there is something to read from conn, be it the end.
func arrived(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return err != syscall.EAGAIN
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWatchSeesTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	closedByPeer := watch(near)
	if closedByPeer() {
		t.Error("a fresh connection seems closed")
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	arrived(t, near)
	if !closedByPeer() {
		t.Error("a closed connection seems open")
	}
}

func TestADatagramAfterThePeerHungUpArrives(t *testing.T) {
	a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	send(t, a, b.Addr(), "one")
	expect(t, b, a.Addr(), "one")
	b.closeConns()
	arrived(t, only(t, a))
	send(t, a, b.Addr(), "two")
	expect(t, b, a.Addr(), "two")
	if got := a.Stats().Lost; got != 0 {
		t.Errorf("Lost = %d, want 0", got)
	}
}

// only returns the one connection of a transport.
func only(t *testing.T, tr *Transport) net.Conn {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.conns) != 1 {
		t.Fatalf("%d connections, want 1", len(tr.conns))
	}
	for conn := range tr.conns {
		return conn
	}
	panic("unreachable")
}
