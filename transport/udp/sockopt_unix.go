//go:build unix

package udp

import "syscall"

func granted(fd uintptr) (b Buffers, err error) {
	if b.Receive, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF); err != nil {
		return b, err
	}
	b.Send, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	return b, err
}
