package udp

import (
	"errors"
	"syscall"
)

// Numbers of winsock2.h that package syscall does not name.
const (
	wsaeMsgSize     = syscall.Errno(10040)
	wsaeNetDown     = syscall.Errno(10050)
	wsaeNetUnreach  = syscall.Errno(10051)
	wsaeNetReset    = syscall.Errno(10052)
	wsaeNoBufs      = syscall.Errno(10055)
	wsaeConnRefused = syscall.Errno(10061)
	wsaeHostUnreach = syscall.Errno(10065)
)

const flagTruncated = 0x100 // MSG_TRUNC of winsock2.h

// isTooLong reports whether a read failed because the datagram did not fit.
func isTooLong(err error) bool { return errors.Is(err, wsaeMsgSize) }

// aboutAPeer reports whether a read failed because of what an ICMP message
// said about a datagram sent before. It concerns one peer; the socket is well.
// Windows does so for every datagram to a closed port (WSAECONNRESET).
func aboutAPeer(err error) bool {
	switch errno(err) {
	case syscall.WSAECONNRESET, wsaeNetReset, wsaeConnRefused, wsaeNetUnreach, wsaeHostUnreach:
		return true
	}
	return false
}

// lacksMemory reports whether the system had no room to receive, or no network
// for the moment: worth a retry, but not at once.
func lacksMemory(err error) bool {
	switch errno(err) {
	case wsaeNoBufs, wsaeNetDown:
		return true
	}
	return false
}

func errno(err error) syscall.Errno {
	var number syscall.Errno
	_ = errors.As(err, &number) // otherwise 0, which is no error's number
	return number
}
