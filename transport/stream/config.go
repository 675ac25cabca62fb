package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
)

// Config bounds a transport. The zero value of a field means its default.
type Config struct {
	// Peers is how many datagram connections this side keeps open to others.
	// At the limit the one idle for longest makes room. Default 256: a node
	// talks to a few random peers a round, and those of the last minute fit.
	// More costs a file descriptor, a goroutine and up to 2 × Queue each;
	// fewer means that connections are made again and again.
	Peers int
	// Inbound is how many connections of others it serves, those whose first
	// bytes are awaited included; streams count until Accept returns them.
	// More are refused and counted. Default 1,024: four times Peers, since
	// peers choose this side at random and not evenly.
	Inbound int
	// Queue is how many bytes of frames may wait for one peer, at least one
	// largest frame. Default 128 KiB: 106 packets of 1,232 B. More would only
	// deliver gossip that is no longer news; less drops bursts.
	Queue int
	// Idle is after how long without a datagram a connection is closed.
	// Default 1 min: longer than the retry of any back-off, shorter than what
	// firewalls keep a silent connection for (RFC 5382 asks for two hours, the
	// field has five minutes).
	Idle time.Duration
	// WriteTimeout is how long a peer may take for what was queued. Default
	// 5 s: Queue in that time is 210 kbit/s. Less cuts off slow peers, more
	// notices dead ones later.
	WriteTimeout time.Duration
	// DialTimeout is how long connecting to a peer may take, and the opening
	// of a peer's connection. Default 3 s: one lost SYN (retried after 1 s)
	// and one more on the way back.
	DialTimeout time.Duration
}

// Reconnecting to a peer that failed waits for retryMin, then twice as long
// each time, at most retryMax; a connection from the peer ends the wait at
// once. The shortest is below a round of gossip, so a restart is hardly
// noticed; the longest costs 256 dead peers one SYN each in ten seconds.
const (
	retryMin = 50 * time.Millisecond
	retryMax = 10 * time.Second
)

// filled returns c with its defaults, or everything that is wrong with it.
func (c Config) filled() (Config, error) {
	err := errors.Join(
		fill("Peers", &c.Peers, 256, 1),
		fill("Inbound", &c.Inbound, 1024, 1),
		fill("Queue", &c.Queue, 128<<10, headerSize+transport.MaxPacket),
		fill("Idle", &c.Idle, time.Minute, time.Millisecond),
		fill("WriteTimeout", &c.WriteTimeout, 5*time.Second, time.Millisecond),
		fill("DialTimeout", &c.DialTimeout, 3*time.Second, time.Millisecond),
	)
	return c, err
}

func fill[T int | time.Duration](name string, value *T, byDefault, least T) error {
	if *value == 0 {
		*value = byDefault
	}
	if *value < least {
		return fmt.Errorf("%s is %v, below %v", name, *value, least)
	}
	return nil
}
