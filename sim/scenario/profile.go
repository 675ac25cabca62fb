package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/sim"
)

// Profile is a timing with the network that it is meant for.
type Profile uint8

// The profiles.
const (
	LAN Profile = iota
	WAN
	Local
)

// ErrProfile is returned for text that names no profile.
var ErrProfile = errors.New("unknown profile")

var profileNames = [...]string{LAN: "lan", WAN: "wan", Local: "local"}

// String returns "lan", "wan" or "local".
func (p Profile) String() string { return profileNames[p] }

// MarshalText implements [encoding.TextMarshaler].
func (p Profile) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what String writes; it returns [ErrProfile], wrapped.
func (p *Profile) UnmarshalText(text []byte) error {
	for i, name := range profileNames {
		if name == string(text) {
			*p = Profile(i)
			return nil
		}
	}
	return fmt.Errorf("%w %q: want lan, wan or local", ErrProfile, text)
}

// Timing returns the timing of the protocol.
func (p Profile) Timing() core.Timing {
	switch p {
	case WAN:
		return core.WAN()
	case Local:
		return core.Local()
	}
	return core.LAN()
}

// Network returns the links: a switched network of one site, links between the
// sites of one continent (40 to 60 ms one way), or one rack.
func (p Profile) Network() sim.Network {
	switch p {
	case WAN:
		return sim.Network{Latency: 40 * time.Millisecond, Jitter: 20 * time.Millisecond}
	case Local:
		return sim.Network{Latency: 50 * time.Microsecond, Jitter: 50 * time.Microsecond}
	}
	return sim.DefaultNetwork()
}
