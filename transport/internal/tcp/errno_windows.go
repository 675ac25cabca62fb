package tcp

import (
	"errors"
	"syscall"
)

// Numbers of winsock2.h that package syscall does not name.
const (
	wsaeAccess    = syscall.Errno(10013)
	wsaeMFile     = syscall.Errno(10024)
	wsaeAddrInUse = syscall.Errno(10048)
	wsaeNetDown   = syscall.Errno(10050)
	wsaeNoBufs    = syscall.Errno(10055)
)

// Taken reports whether a port cannot be had because another socket has it, or
// because the system keeps it for itself (Hyper-V reserves ranges of ports).
func Taken(err error) bool {
	return errors.Is(err, wsaeAddrInUse) || errors.Is(err, wsaeAccess)
}

// passingErrnos are what accept returns while the listener itself is well.
var passingErrnos = []error{
	syscall.WSAECONNABORTED, syscall.WSAECONNRESET,
	wsaeMFile, wsaeNetDown, wsaeNoBufs,
}
