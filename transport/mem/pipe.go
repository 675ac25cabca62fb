package mem

import (
	"net"
	"net/netip"
)

// end is one end of a [net.Pipe] with the addresses of a TCP connection.
type end struct {
	net.Conn
	local, remote netip.AddrPort
}

func pipe(dialer, listener netip.AddrPort) (near, far net.Conn) {
	n, f := net.Pipe()
	return end{n, dialer, listener}, end{f, listener, dialer}
}

func (e end) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(e.local) }
func (e end) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(e.remote) }
