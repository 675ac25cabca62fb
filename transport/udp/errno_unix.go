//go:build unix

package udp

import (
	"errors"
	"syscall"
)

const flagTruncated = syscall.MSG_TRUNC

// isTooLong is for systems that report a truncated datagram as an error.
func isTooLong(error) bool { return false }

// aboutAPeer reports whether a read failed because of what an ICMP message
// said about a datagram sent before. It concerns one peer; the socket is well.
func aboutAPeer(err error) bool {
	switch errno(err) {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
		syscall.EHOSTDOWN, syscall.EMSGSIZE, syscall.EPROTO, syscall.ENOPROTOOPT, syscall.EACCES, syscall.EPERM:
		return true
	}
	return false
}

// lacksMemory reports whether the system had no room to receive, or no network
// for the moment: worth a retry, but not at once.
func lacksMemory(err error) bool {
	switch errno(err) {
	case syscall.ENOBUFS, syscall.ENOMEM, syscall.ENETDOWN:
		return true
	}
	return false
}

func errno(err error) syscall.Errno {
	var number syscall.Errno
	_ = errors.As(err, &number) // otherwise 0, which is no error's number
	return number
}
