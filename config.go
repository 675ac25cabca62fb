package hearsay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/wire"
)

// DefaultPort is where nodes listen, and where a seed without a port is called:
// the port that gossip of this family has used for ten years, so that firewall
// rules and habits fit.
const DefaultPort = 7946

// Config is what a node is made of. The zero value of a field means its
// default; Name is required, and Ring unless Insecure is set.
type Config struct {
	// Name is what people call the node: 1 to 128 characters of A-Z a-z 0-9 . _ -
	// (see [member.Name]). It is a claim: of two nodes with one name the first
	// that is not dead holds it, and both are marked by NameConflict events.
	Name string
	// Bind is where the node listens, "host:port", for datagrams and streams
	// alike. Default ":7946". Port 0 takes a free one. Unused with Transport.
	Bind string
	// Advertise is where others reach the node, "host:port" or "host" with the
	// port of Bind. Default: the bound address; if that is unspecified, the first
	// private, else global, unicast address of an interface that is up. It must
	// be set behind address translation.
	Advertise string
	// Seeds are addresses at which the cluster may be found: "host:port", "host"
	// (with DefaultPort), or "srv:_service._proto.name" for the SRV records of a
	// name. A host may be an IP or a DNS name with any number of A and AAAA
	// records. Names are resolved again for as long as the node runs. The node's
	// own address among them is skipped, so all nodes may have the same list.
	// None: the node waits to be joined, or for [Node.Join].
	Seeds []string

	// Identity is the node's key; nil draws a fresh one, so that a restart is a
	// new member. See [seal.LoadIdentity].
	Identity *seal.Identity
	// Epoch must be larger at each start of one identity. Default: the wall
	// clock in seconds, which suffices if a node never starts twice in a second
	// and its clock never goes back across a restart.
	Epoch uint64
	// Ring is the cluster's ID and keys. Required unless Insecure.
	Ring *seal.Ring
	// Insecure sends plaintext and believes what anybody says. It protects
	// against accidents alone; a warning is logged.
	Insecure bool

	// Timing is every duration of the protocol. Default [core.LAN]; see [WAN]
	// and [Local].
	Timing core.Timing
	// MembersMax bounds the member table, those gone included. Default 16,384,
	// at about 2 kB each once they have talked to this node, most of it the keys
	// of their sessions.
	MembersMax int

	// MaxEventSize bounds the payload of a message in bytes. Default 4 MiB, most
	// 64 MiB; all nodes should have the same. A node may hold four of that size
	// for repair and two of its own on their way, if that is more than 16 and
	// 8 MiB.
	MaxEventSize int

	// Transport moves the bytes. Default: UDP and TCP on Bind. The node owns it
	// and closes it, also when Start fails.
	Transport transport.Transport
	// StreamOnly uses TCP for everything, for networks that block UDP. Unused
	// with Transport.
	StreamOnly bool

	// Logger receives what happens, as constant messages with attributes.
	// Default [slog.Default]. Use slog.DiscardHandler for silence. The node waits
	// for its handler, which must therefore be quick.
	Logger *slog.Logger
	// RandomSeed draws probes and gossip partners; 0 takes one from the system.
	// It is for tests: no key is ever made from it.
	RandomSeed uint64
	// Resolver looks up names. Default [net.DefaultResolver].
	Resolver Resolver
}

// Resolver looks up the names of seeds; [net.Resolver] is one. It must be safe
// for concurrent use.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// LAN returns a configuration for members a few milliseconds apart; it is the
// default. Name and Ring remain to be set.
func LAN() Config { return Config{Timing: core.LAN()} }

// WAN returns a configuration for members up to some 300 ms apart: a crash is
// detected about three times later than with [LAN].
func WAN() Config { return Config{Timing: core.WAN()} }

// Local returns a configuration for members on one machine or in one rack, with
// twice the packets of [LAN] and half its time to detect. It listens on a free
// port of the loopback interface until Bind is changed.
func Local() Config { return Config{Timing: core.Local(), Bind: "127.0.0.1:0"} }

// Validate returns all that is wrong with the configuration, joined. It does
// not touch the network.
func (c Config) Validate() error {
	c = c.filled()
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("config: %w", err))
		}
	}
	check(member.Name(c.Name).Validate())
	if c.Transport == nil {
		check(checkHostPort("bind", c.Bind))
	}
	if c.Advertise != "" {
		check(checkAdvertise(c.Advertise))
	}
	for _, text := range c.Seeds {
		_, err := parseSeed(text)
		check(err)
	}
	if c.Ring == nil && !c.Insecure {
		check(ErrNoKey)
	}
	check(c.Timing.Validate())
	if most := 8 * wire.BucketsMax; c.MembersMax < 0 || c.MembersMax > most {
		check(fmt.Errorf("members max %d, want up to %d", c.MembersMax, most))
	}
	if c.MaxEventSize < 0 || c.MaxEventSize > wire.EventSizeMax {
		check(fmt.Errorf("max event size %d, want up to %d", c.MaxEventSize, wire.EventSizeMax))
	}
	return errors.Join(errs...)
}

// maxEventSize is the largest message by default: what a link of 1 Gbit/s takes
// 34 ms for.
const maxEventSize = 4 << 20

// insecureCluster is the name of the one cluster that insecure nodes without a
// ring belong to.
const insecureCluster = "insecure"

// filled returns the configuration with the defaults that need no network.
func (c Config) filled() Config {
	if c.Bind == "" {
		c.Bind = ":" + strconv.Itoa(DefaultPort)
	}
	if c.Timing == (core.Timing{}) {
		c.Timing = core.LAN()
	}
	if c.Ring == nil && c.Insecure {
		c.Ring = seal.DevRing(insecureCluster)
	}
	if c.MaxEventSize == 0 {
		c.MaxEventSize = maxEventSize
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	return c
}
