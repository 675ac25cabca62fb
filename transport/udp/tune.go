package udp

import (
	"errors"
	"net"
)

// tune asks for the buffers and notes what came of it. A system that grants
// less is no error: the owner may look at [Transport.Buffers] and say so.
func (t *Transport) tune(conn *net.UDPConn, c Config) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	// Some systems refuse a size above their limit instead of cutting it down
	// (macOS, FreeBSD), so smaller ones are tried, down to what is too little
	// to matter.
	ask(conn.SetReadBuffer, c.ReceiveBuffer)
	ask(conn.SetWriteBuffer, c.SendBuffer)
	var optErr error
	err = raw.Control(func(fd uintptr) {
		force(fd, c)
		t.buffers, optErr = granted(fd)
	})
	t.kernelDrops = func() (drops uint64) {
		_ = raw.Control(func(fd uintptr) { drops = dropped(fd) }) // fails only when closed: then none
		return drops
	}
	return errors.Join(err, optErr)
}

func ask(set func(bytes int) error, bytes int) {
	const tooLittle = 32 << 10 // every system's default is more
	for ; bytes >= tooLittle; bytes /= 2 {
		if set(bytes) == nil {
			return
		}
	}
}
