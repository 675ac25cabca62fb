package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

// Defaults of [Config].
const (
	DefaultBind  = ":7946"
	DefaultHTTP  = "127.0.0.1:8500"
	DefaultLeave = 5 * time.Second
	// DefaultEventSize is the default of MaxEventSize.
	DefaultEventSize = 4 << 20
	// devBind is where a node listens that anybody could read: not beyond the
	// host.
	devBind = "127.0.0.1:7946"
)

// Security is how a node's traffic is protected.
type Security uint8

// The ways of protection.
const (
	// Ring seals all traffic with the key in SecretDir.
	Ring Security = iota
	// Dev seals with a key that anybody can derive, and stays on the loopback
	// interface.
	Dev
	// Insecure sends plaintext.
	Insecure
)

// String returns "ring", "dev" or "insecure".
func (s Security) String() string {
	switch s {
	case Dev:
		return "dev"
	case Insecure:
		return "insecure"
	}
	return "ring"
}

// Network is how far apart the members are: it decides every duration.
type Network string

// The presets of [hearsay.LAN], [hearsay.WAN] and [hearsay.Local].
const (
	LAN   Network = "lan"
	WAN   Network = "wan"
	Local Network = "local"
)

// Config is what an agent is made of. The zero value of a field means its
// default; SecretDir is required unless Security says otherwise.
type Config struct {
	// Name is what people call the node; see [hearsay.Config]. Default: the
	// host's name, with "-" for characters that a name cannot have.
	Name string
	// Bind, Advertise and Seeds are those of [hearsay.Config]. Bind defaults to
	// ":7946", and to the loopback interface with Dev.
	Bind      string
	Advertise string
	Seeds     []string
	Network   Network // default LAN
	// StreamOnly uses TCP for everything, for networks that block UDP.
	StreamOnly bool
	MembersMax int // default 16,384
	// MaxEventSize is the largest payload of an event, in bytes; default 4 MiB.
	MaxEventSize int

	Security Security
	// SecretDir holds the ring's file, made by hearsay init. It must be readable
	// by its owner alone. Insecure nodes take only the cluster's ID from it.
	SecretDir string
	// DataDir holds the node's key and state, so that a restart is the same node
	// with the same metadata. Empty: nothing is kept, and each start is a new
	// node. One process may use it at a time.
	DataDir string

	// HTTP is where tools are answered, "host:port". Default "127.0.0.1:8500";
	// port 0 takes a free one.
	HTTP string
	// HTTPHosts are names by which tools may call this host in URLs, beside
	// localhost and its addresses.
	HTTPHosts []string
	// TokenFile holds the token that writes need, on its first line. It must be
	// readable by its owner alone. Without it only this host may write.
	TokenFile string
	// RequireToken asks for the token on reads, too.
	RequireToken bool
	Pprof        bool // serve profiles to this host

	// LeaveTimeout bounds the goodbye at the end of Run. Default 5 s. Longer
	// reaches no more: who has not confirmed by then is gone.
	LeaveTimeout time.Duration
	Logger       *slog.Logger // default slog.Default
	Version      string       // of the program, for info and metrics
}

// ErrConfig wraps what is wrong with a configuration.
var ErrConfig = errors.New("configuration")

// Validate returns all that is wrong with the configuration, each an ErrConfig.
// It touches neither disk nor network.
func (c Config) Validate() error {
	c, err := c.filled()
	errs := []error{err}
	if err == nil {
		errs = append(errs, c.node().Validate())
	}
	if _, _, err := net.SplitHostPort(c.HTTP); err != nil {
		errs = append(errs, fmt.Errorf("http %q: want host:port: %w", c.HTTP, err))
	}
	switch {
	case c.Security == Ring && c.SecretDir == "":
		errs = append(errs, errors.New("no secret: make one with `hearsay init --dir DIR` and give --secret DIR;"+
			" or give --dev to try it on this host"))
	case c.Security == Dev && c.SecretDir != "":
		errs = append(errs, errors.New("dev and secret exclude each other"))
	}
	if c.Security == Dev {
		errs = append(errs, loopbackOnly("bind", c.Bind), loopbackOnly("http", c.HTTP))
		if c.Advertise != "" {
			errs = append(errs, errors.New("dev nodes advertise nothing but their loopback address"))
		}
	}
	if c.RequireToken && c.TokenFile == "" {
		errs = append(errs, errors.New("require-token needs a token-file"))
	}
	if c.LeaveTimeout < 0 {
		errs = append(errs, fmt.Errorf("leave-timeout %v: want a positive duration", c.LeaveTimeout))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// loopbackOnly refuses an address that others could reach.
func loopbackOnly(field, hostPort string) error {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil //nolint:nilerr // reported where the address is checked
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s %q: dev nodes stay on the loopback interface", field, hostPort)
}

// filled returns the configuration with its defaults.
func (c Config) filled() (Config, error) {
	if c.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("name is missing, and the host has none: %w", err)
		}
		c.Name = nameOf(host)
	}
	if c.Bind == "" {
		c.Bind = DefaultBind
		if c.Security == Dev {
			c.Bind = devBind
		}
	}
	if c.HTTP == "" {
		c.HTTP = DefaultHTTP
	}
	if c.Network == "" {
		c.Network = LAN
	}
	if c.MaxEventSize == 0 {
		c.MaxEventSize = DefaultEventSize
	}
	if c.LeaveTimeout == 0 {
		c.LeaveTimeout = DefaultLeave
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	switch c.Network {
	case LAN, WAN, Local:
		return c, nil
	}
	return c, fmt.Errorf("network %q: want lan, wan or local", c.Network)
}

// nameOf makes a valid name of a host's name.
func nameOf(host string) string {
	name := strings.Map(func(r rune) rune {
		if member.Name(r).Validate() != nil {
			return '-'
		}
		return r
	}, host)
	return name[:min(len(name), member.NameMax)]
}

// node returns the part of the configuration that is the node's, without keys.
func (c Config) node() hearsay.Config {
	n := hearsay.LAN()
	switch c.Network {
	case WAN:
		n = hearsay.WAN()
	case Local:
		n = hearsay.Local()
	}
	n.Name, n.Bind, n.Advertise, n.Seeds = c.Name, c.Bind, c.Advertise, c.Seeds
	n.MembersMax, n.StreamOnly, n.Logger = c.MembersMax, c.StreamOnly, c.Logger
	n.MaxEventSize = c.MaxEventSize
	n.Insecure = true // where the ring comes later, its absence is no error yet
	return n
}

// build returns what is known of the program.
func (c Config) build() api.Build {
	b := api.Build{Version: c.Version, Go: runtime.Version()}
	if b.Version == "" {
		b.Version = "unknown"
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}
