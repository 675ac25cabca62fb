package udp

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// force asks again past net.core.rmem_max and wmem_max where those cut the
// request. Only a process with CAP_NET_ADMIN may; for others nothing changes.
func force(fd uintptr, c Config) {
	got, err := granted(fd)
	if err != nil {
		return // the caller asks next, and reports it
	}
	// The kernel reports twice what it granted.
	if got.Receive < 2*c.ReceiveBuffer {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, c.ReceiveBuffer)
	}
	if got.Send < 2*c.SendBuffer {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, c.SendBuffer)
	}
}

// meminfo is what SO_MEMINFO fills in (linux/sock_diag.h): nine numbers, of
// which the last, SK_MEMINFO_DROPS, counts datagrams dropped by this socket,
// most of them since its buffer was full. The kernel counts in 32 bits.
type meminfo [9]uint32

func dropped(fd uintptr) uint64 {
	var info meminfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0 // before Linux 4.12
	}
	return uint64(info[len(info)-1])
}
