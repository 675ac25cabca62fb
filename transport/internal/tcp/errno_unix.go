//go:build unix

package tcp

import (
	"errors"
	"syscall"
)

// Taken reports whether a port cannot be had because another socket has it.
func Taken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// passingErrnos are what accept(2) returns while the listener itself is well:
// the connection at the head of the backlog died, or the process or the host
// lacks something for the moment.
var passingErrnos = []error{
	syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO, syscall.EINTR,
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
	syscall.EPERM, // Linux: a firewall rule forbade this connection
}
