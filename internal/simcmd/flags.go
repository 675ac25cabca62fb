package simcmd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// Conditions is the flags that say under which conditions a cluster runs. What
// is not given is the scenario's.
type Conditions struct {
	Profile *scenario.Profile `help:"Timing of the protocol, and links that suit it: lan, wan, local (default: lan)." placeholder:"NAME"`
	Latency *time.Duration    `help:"Least time one way (default: lan 200us, wan 40ms, local 50us)." placeholder:"TIME"`
	Jitter  *time.Duration    `help:"Added evenly, drawn for each packet (default: lan 600us, wan 20ms, local 50us)." placeholder:"TIME"`
	Loss    *share            `help:"Share of datagrams lost: 5% or 0.05 (default: 0)." placeholder:"P"`
	Seed    uint64            `default:"1" help:"Random seed: the same seed gives the same run (default: ${default})."`
}

// Errors of the flags.
var (
	ErrTime  = errors.New("time out of range")
	ErrDead  = errors.New("share of dead nodes out of range")
	ErrSeeds = errors.New("number of seeds out of range")
	ErrTrace = errors.New("a trace is of one seed")
)

// timeMax bounds latency and jitter: a packet to the far side of the moon.
const timeMax = 10 * time.Second

func (c *Conditions) check() error {
	var errs []error
	for _, t := range []struct {
		name  string
		value *time.Duration
	}{{"latency", c.Latency}, {"jitter", c.Jitter}} {
		if t.value != nil && (*t.value < 0 || *t.value > timeMax) {
			errs = append(errs, fmt.Errorf("%w: %s %v, want 0s to %v", ErrTime, t.name, *t.value, timeMax))
		}
	}
	return errors.Join(errs...)
}

// apply returns the profile and the network of a script under the conditions.
func (c *Conditions) apply(s *scenario.Script) (scenario.Profile, sim.Network) {
	profile := s.Profile()
	if c.Profile != nil {
		profile = *c.Profile
	}
	net := s.Network(profile)
	if c.Latency != nil {
		net.Latency = *c.Latency
	}
	if c.Jitter != nil {
		net.Jitter = *c.Jitter
	}
	if c.Loss != nil {
		net.Loss = float64(*c.Loss)
	}
	return profile, net
}

// share is a probability, written as 5% or 0.05.
type share float64

// UnmarshalText reads a share; the error wraps [scenario.ErrShare].
func (s *share) UnmarshalText(text []byte) error {
	value, err := scenario.ParseShare(strings.TrimSpace(string(text)))
	*s = share(value)
	return err
}

// load returns a scenario by the name of a built-in or of a file.
func load(name string) (*scenario.Script, error) {
	text, err := scenario.Text(name)
	if err == nil {
		return scenario.Parse(name, text)
	}
	if isFile := strings.ContainsAny(name, `./\`); !isFile {
		return nil, fmt.Errorf("%w, or a file name with a dot or a slash", err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return scenario.Parse(name, string(data))
}

// names lists the built-in scenarios for help and errors.
func names() string { return strings.Join(slices.Sorted(slices.Values(scenario.Names())), ", ") }
