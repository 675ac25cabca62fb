package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/transport"
)

// The first byte of a connection. 0 is left out, since zeros come by accident,
// and so is what TLS or HTTP begin with, since those come by mistake.
const (
	kindStream    = 0x01
	kindDatagrams = 0x02
)

// headerSize is the length in front of each packet.
const headerSize = 2

var errMalformed = errors.New("malformed")

// appendOpening appends how a connection that carries datagrams begins.
func appendOpening(b []byte, port uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, kindDatagrams), port)
}

// readKind reads the first byte of a connection and not one more.
func readKind(r io.Reader) (kind byte, err error) {
	var b [1]byte
	_, err = io.ReadFull(r, b[:])
	return b[0], err
}

// readPort reads the rest of an opening and returns the peer's address, given
// the IP that the connection is from.
func readPort(r io.Reader, ip netip.Addr) (netip.AddrPort, error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return netip.AddrPort{}, err
	}
	port := binary.BigEndian.Uint16(b[:])
	if port == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w opening: port 0", errMalformed)
	}
	return netip.AddrPortFrom(ip, port), nil
}

// appendFrame appends packet, of a length that Send has checked.
func appendFrame(b, packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(packet))), packet...)
}

// newFrameReader returns a buffer in which any frame fits whole.
func newFrameReader(r io.Reader) *bufio.Reader {
	return bufio.NewReaderSize(r, headerSize+transport.MaxPacket)
}

// holdsFrame reports whether peekFrame would return without reading.
func holdsFrame(r *bufio.Reader) bool {
	if r.Buffered() < headerSize {
		return false
	}
	header, err := r.Peek(headerSize)
	return err == nil && r.Buffered() >= headerSize+int(binary.BigEndian.Uint16(header))
}

// peekFrame returns the packet of the next frame within r's buffer, where it
// stays until dropFrame.
func peekFrame(r *bufio.Reader) ([]byte, error) {
	header, err := r.Peek(headerSize)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(header))
	if size == 0 || size > transport.MaxPacket {
		return nil, fmt.Errorf("%w frame: %d bytes", errMalformed, size)
	}
	frame, err := r.Peek(headerSize + size)
	if err != nil {
		return nil, err
	}
	return frame[headerSize:], nil
}

func dropFrame(r *bufio.Reader, packet []byte) error {
	_, err := r.Discard(headerSize + len(packet))
	return err
}
