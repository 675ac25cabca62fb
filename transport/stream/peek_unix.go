//go:build unix

package stream

import (
	"errors"
	"net"
	"syscall"
)

// closedByPeer reports whether the other end of a connection has closed it, or
// sent something, which it never should. Without a look before each batch, the
// first one after a peer's restart would be written into the void: TCP tells
// of the loss only at the next. A goroutine that waits in Read would find out
// as well, at the price of one a connection.
func closedByPeer(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false // not a socket: Write tells
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	var readErr error
	if err := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, readErr = syscall.Read(int(fd), b[:])
		return true // whatever came of it, do not wait
	}); err != nil {
		return true
	}
	return !errors.Is(readErr, syscall.EAGAIN) && !errors.Is(readErr, syscall.EINTR)
}
