//go:build unix

package stream

import (
	"net"
	"syscall"
)

// watch returns a function that reports whether the other end of a connection
// has closed it, or sent something, which it never should. Without a look
// before each batch, the first one after a peer's restart would be written
// into the void: TCP tells of the loss only at the next. A goroutine that
// waits in Read would find out as well, at the price of one a connection.
// The function does not wait and does not allocate.
func watch(conn net.Conn) (closedByPeer func() bool) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return func() bool { return false } // not a socket: Write tells
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return func() bool { return true }
	}
	var b [1]byte
	var readErr error
	look := func(fd uintptr) bool {
		_, readErr = syscall.Read(int(fd), b[:])
		return true // whatever came of it, do not wait
	}
	return func() bool {
		if raw.Read(look) != nil {
			return true
		}
		return readErr != syscall.EAGAIN && readErr != syscall.EINTR
	}
}
