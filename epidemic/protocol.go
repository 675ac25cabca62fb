package epidemic

import (
	"errors"
	"fmt"
	"strings"
)

// Protocol is a way for an update to spread in rounds. The package comment
// describes each with its source.
type Protocol uint8

// The protocols, in the order in which comparisons list them.
const (
	// Push: who knows tells, in every round.
	Push Protocol = iota
	// Pull: who does not know asks, in every round.
	Pull
	// PushPull: every node calls; the side that knows tells the other.
	PushPull
	// InfectAndDie: who learns tells in the next round, once.
	InfectAndDie
	// FeedbackCounter: who knows tells until Stop contacts already knew.
	FeedbackCounter
	// FeedbackCoin: after each contact that knew, stop with chance 1/Stop.
	FeedbackCoin
	// BlindCounter: who knows tells Stop contacts, whatever they answer.
	BlindCounter
	// BlindCoin: after each contact, stop with chance 1/Stop.
	BlindCoin
	// MedianCounter: push-pull whose nodes stop once most partners have heard
	// the update about as often as they have; Stop is the counter's cap.
	MedianCounter
	// Digest: push until about n/ln n nodes know, then pull by digest.
	Digest

	protocolCount
)

// Protocols returns all protocols in the order of their constants.
func Protocols() []Protocol {
	all := make([]Protocol, protocolCount)
	for i := range all {
		all[i] = Protocol(i)
	}
	return all
}

var protocolNames = [protocolCount]string{
	Push:            "push",
	Pull:            "pull",
	PushPull:        "push-pull",
	InfectAndDie:    "infect-and-die",
	FeedbackCounter: "feedback-counter",
	FeedbackCoin:    "feedback-coin",
	BlindCounter:    "blind-counter",
	BlindCoin:       "blind-coin",
	MedianCounter:   "median-counter",
	Digest:          "digest",
}

// ErrProtocol is returned for a name that is no protocol.
var ErrProtocol = errors.New("unknown protocol")

// ParseProtocol reads the name that [Protocol.String] writes.
func ParseProtocol(name string) (Protocol, error) {
	for p, known := range protocolNames {
		if name == known {
			return Protocol(p), nil
		}
	}
	return 0, fmt.Errorf("%w %q: want one of %s", ErrProtocol, name, strings.Join(protocolNames[:], ", "))
}

// String returns the protocol's name, or "protocol(N)" for an unknown one.
func (p Protocol) String() string {
	if p >= protocolCount {
		return fmt.Sprintf("protocol(%d)", uint8(p))
	}
	return protocolNames[p]
}

// MarshalText writes the protocol's name.
func (p Protocol) MarshalText() ([]byte, error) {
	if p >= protocolCount {
		return nil, fmt.Errorf("%w %d", ErrProtocol, uint8(p))
	}
	return []byte(protocolNames[p]), nil
}

// UnmarshalText reads the protocol's name.
func (p *Protocol) UnmarshalText(text []byte) error {
	parsed, err := ParseProtocol(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}

// Stops reports whether nodes stop spreading by themselves, so that an update
// may die before it reached everybody.
func (p Protocol) Stops() bool {
	switch p {
	case InfectAndDie, MedianCounter:
		return true
	default:
		return p.mongers()
	}
}

// mongers reports whether p is one of the four kinds of rumor mongering.
func (p Protocol) mongers() bool { return p >= FeedbackCounter && p <= BlindCoin }

// feedback reports whether a node's interest falls only after a contact that
// already knew.
func (p Protocol) feedback() bool { return p == FeedbackCounter || p == FeedbackCoin }

// coin reports whether a node loses interest by chance rather than by count.
func (p Protocol) coin() bool { return p == FeedbackCoin || p == BlindCoin }

// Order says when what a node learns in a round may be passed on.
type Order uint8

const (
	// Sync: all nodes act at once on what they knew when the round began. It
	// is what the theory describes.
	Sync Order = iota
	// Turn: nodes act one after another, in the order of their index, and pass
	// on what reached them earlier in the same round, as simple programs do.
	Turn
)

// ErrOrder is returned for a name that is no order.
var ErrOrder = errors.New("unknown order")

// String returns "sync" or "turn".
func (o Order) String() string {
	if o == Turn {
		return "turn"
	}
	return "sync"
}

// MarshalText writes the order's name.
func (o Order) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the order's name.
func (o *Order) UnmarshalText(text []byte) error {
	switch string(text) {
	case "sync":
		*o = Sync
	case "turn":
		*o = Turn
	default:
		return fmt.Errorf("%w %q: want sync or turn", ErrOrder, text)
	}
	return nil
}

// Outage says how long a dead node stays dead.
type Outage uint8

const (
	// Forever: the same nodes are dead throughout, and nobody noticed.
	Forever Outage = iota
	// PerRound: other nodes are down in each round; all can be reached in the
	// end.
	PerRound
)

// ErrOutage is returned for a name that is no outage.
var ErrOutage = errors.New("unknown outage")

// String returns "forever" or "round".
func (o Outage) String() string {
	if o == PerRound {
		return "round"
	}
	return "forever"
}

// MarshalText writes the outage's name.
func (o Outage) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the outage's name.
func (o *Outage) UnmarshalText(text []byte) error {
	switch string(text) {
	case "forever":
		*o = Forever
	case "round":
		*o = PerRound
	default:
		return fmt.Errorf("%w %q: want forever or round", ErrOutage, text)
	}
	return nil
}
