package httpapi

import (
	"net"
	"net/netip"
	"sync"
)

const (
	// connsPerIP bounds the connections from one address, streams of events
	// among them. All tools of a host together use a dozen.
	connsPerIP = 64
	// connsMax bounds all connections: each costs up to 16 KiB of headers and a
	// megabyte of body, and a descriptor that the node's own streams need.
	connsMax = 512
)

// Bound returns a listener that closes connections beyond the limits as soon as
// they are accepted. To leave them waiting instead would let whoever is first
// keep everybody out.
func Bound(l net.Listener) net.Listener {
	return &boundListener{Listener: l, perIP: make(map[netip.Addr]int)}
}

type boundListener struct {
	net.Listener
	mu    sync.Mutex
	total int
	perIP map[netip.Addr]int // no zero entries
}

// Accept implements net.Listener.
func (l *boundListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := remoteIP(conn)
		if l.admit(ip) {
			return &boundConn{Conn: conn, release: sync.OnceFunc(func() { l.release(ip) })}, nil
		}
		_ = conn.Close() // nothing was sent or read
	}
}

func remoteIP(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

func (l *boundListener) admit(ip netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= connsMax || l.perIP[ip] >= connsPerIP {
		return false
	}
	l.total++
	l.perIP[ip]++
	return true
}

func (l *boundListener) release(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.perIP[ip]--; l.perIP[ip] == 0 {
		delete(l.perIP, ip)
	}
}

// boundConn gives its place back when it is closed.
type boundConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *boundConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
