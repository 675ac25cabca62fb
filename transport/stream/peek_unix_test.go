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

func TestClosedByPeerSeesTheEnd(t *testing.T) {
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
	if closedByPeer(near) {
		t.Error("a fresh connection seems closed")
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	arrived(t, near)
	if !closedByPeer(near) {
		t.Error("a closed connection seems open")
	}
}
