package swarm

import (
	"fmt"
	"strings"

	"github.com/hearsay-gossip/hearsay/wire"
)

// decoder is a message of any type.
type decoder interface {
	wire.Message
	Decode(body []byte) error
}

// decoders make a message of each type.
var decoders = map[wire.Type]func() decoder{
	wire.TypePing:     func() decoder { return new(wire.Ping) },
	wire.TypeAck:      func() decoder { return new(wire.Ack) },
	wire.TypePingReq:  func() decoder { return new(wire.PingReq) },
	wire.TypeNack:     func() decoder { return new(wire.Nack) },
	wire.TypeRecord:   func() decoder { return new(wire.Record) },
	wire.TypeAccuse:   func() decoder { return new(wire.Accuse) },
	wire.TypeFact:     func() decoder { return new(wire.Fact) },
	wire.TypeAdvert:   func() decoder { return new(wire.Advert) },
	wire.TypeDelta:    func() decoder { return new(wire.Delta) },
	wire.TypeDigest:   func() decoder { return new(wire.Digest) },
	wire.TypeEntries:  func() decoder { return new(wire.Entries) },
	wire.TypeWant:     func() decoder { return new(wire.Want) },
	wire.TypeJoin:     func() decoder { return new(wire.Join) },
	wire.TypeJoinAck:  func() decoder { return new(wire.JoinAck) },
	wire.TypeLeave:    func() decoder { return new(wire.Leave) },
	wire.TypeLeaveAck: func() decoder { return new(wire.LeaveAck) },

	wire.TypeRelay:     func() decoder { return new(wire.Relay) },
	wire.TypeRelayAck:  func() decoder { return new(wire.RelayAck) },
	wire.TypeReport:    func() decoder { return new(wire.Report) },
	wire.TypeHeard:     func() decoder { return new(wire.Heard) },
	wire.TypePull:      func() decoder { return new(wire.Pull) },
	wire.TypeAnswer:    func() decoder { return new(wire.Answer) },
	wire.TypeHeardRoot: func() decoder { return new(wire.HeardRoot) },
}

// malformed returns where the first message of a payload begins that cannot be
// decoded, and false if there is none.
func malformed(payload []byte) (at int, found bool) {
	for rest := payload; len(rest) > 0; {
		at = len(payload) - len(rest)
		t, body, after, err := wire.Next(rest)
		if err != nil {
			return at, true
		}
		if decode, known := decoders[t]; known && decode().Decode(body) != nil {
			return at, true
		}
		rest = after
	}
	return 0, false
}

// describe returns one line for the messages in a payload.
func describe(payload []byte) string {
	var lines []string
	for rest := payload; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			lines = append(lines, fmt.Sprintf("malformed (%v)", err))
			break
		}
		rest = after
		decode, known := decoders[t]
		if !known {
			lines = append(lines, t.String())
			continue
		}
		m := decode()
		if err := m.Decode(body); err != nil {
			lines = append(lines, fmt.Sprintf("malformed %v (%v)", t, err))
			break
		}
		lines = append(lines, m.Describe())
	}
	return strings.Join(lines, "; ")
}
