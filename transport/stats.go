package transport

import "sync/atomic"

// Stats is what a transport has counted since it was opened. Numbers only grow.
type Stats struct {
	Sent, SentBytes         uint64 // datagrams accepted for sending
	Received, ReceivedBytes uint64 // datagrams handed to the caller of Receive

	// Of datagrams that went no further:

	SendErrors uint64 // refused by Send, each with an error to its caller
	Lost       uint64 // accepted, then dropped with a connection that failed or closed
	Oversize   uint64 // arrived larger than the buffer or than MaxPacket
	Empty      uint64 // arrived without bytes
	Overflow   uint64 // arrived faster than Receive was called

	// Of troubles that were survived:

	ReadErrors   uint64 // e.g. an ICMP refusal reported on the socket
	AcceptErrors uint64 // e.g. no file descriptor left
	Refused      uint64 // connections over a limit or with a malformed opening
}

// Counting is implemented by transports that keep [Stats]; all of ours do.
type Counting interface {
	// Stats may be called from any goroutine, also after Close. The numbers
	// are read one by one: they need not add up at a single instant.
	Stats() Stats
}

// Counters is the growing side of [Stats], for the implementations. The zero
// value is ready; all methods are safe from any goroutine and do not allocate.
type Counters struct {
	sent, sentBytes         atomic.Uint64
	received, receivedBytes atomic.Uint64

	Lost, Oversize, Empty, Overflow   atomic.Uint64
	ReadErrors, AcceptErrors, Refused atomic.Uint64
	sendErrors                        atomic.Uint64
}

// Send counts one call of Send of size bytes and returns its error.
func (c *Counters) Send(size int, err error) error {
	if err != nil {
		c.sendErrors.Add(1)
		return err
	}
	c.sent.Add(1)
	c.sentBytes.Add(uint64(size))
	return nil
}

// Receive counts one datagram of size bytes, of which the buffer took all
// unless truncated, and returns what Receive owes its caller.
func (c *Counters) Receive(size int, truncated bool) (int, error) {
	switch {
	case truncated:
		c.Oversize.Add(1)
		return 0, ErrOversize
	case size == 0:
		c.Empty.Add(1)
		return 0, ErrEmpty
	}
	c.received.Add(1)
	c.receivedBytes.Add(uint64(size))
	return size, nil
}

// Stats returns the present numbers.
func (c *Counters) Stats() Stats {
	return Stats{
		Sent:          c.sent.Load(),
		SentBytes:     c.sentBytes.Load(),
		Received:      c.received.Load(),
		ReceivedBytes: c.receivedBytes.Load(),
		SendErrors:    c.sendErrors.Load(),
		Lost:          c.Lost.Load(),
		Oversize:      c.Oversize.Load(),
		Empty:         c.Empty.Load(),
		Overflow:      c.Overflow.Load(),
		ReadErrors:    c.ReadErrors.Load(),
		AcceptErrors:  c.AcceptErrors.Load(),
		Refused:       c.Refused.Load(),
	}
}
