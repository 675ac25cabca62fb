package udp

import "golang.org/x/sys/windows"

func granted(fd uintptr) (b Buffers, err error) {
	if b.Receive, err = windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_RCVBUF); err != nil {
		return b, err
	}
	b.Send, err = windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_SNDBUF)
	return b, err
}
