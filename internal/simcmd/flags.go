package simcmd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// Conditions is the flags that say under which conditions a cluster runs. What
// is not given is the scenario's.
type Conditions struct {
	Profile *scenario.Profile `help:"Timing of the protocol, and links that suit it: lan, wan, local (default: lan)." placeholder:"NAME"`
	Latency *time.Duration    `help:"Least time one way (default: lan 200us, wan 40ms, local 50us)." placeholder:"TIME"`
	Jitter  *time.Duration    `help:"Added evenly, drawn for each packet (default: lan 600us, wan 20ms, local 50us)." placeholder:"TIME"`
	Loss    *argument.Share   `help:"Share of datagrams lost: 5% or 0.05 (default: 0)." placeholder:"P"`
	Cost    *time.Duration    `help:"Processor time for each packet sent or received, one after another (default: 0s; a real one takes some 5us)." placeholder:"TIME"`
	Seed    uint64            `default:"1" help:"Random seed: the same seed gives the same run (default: ${default})."`
}

// ErrTrace is returned for a trace of many seeds.
var ErrTrace = errors.New("a trace is of one seed")

const (
	// timeMax bounds latency, jitter and cost: a packet to the far side of the moon.
	timeMax = 10 * time.Second
	// seedsMax bounds --seeds: a typing mistake more is a month of work.
	seedsMax = 100_000
)

func (c *Conditions) check() error {
	var errs []error
	for _, t := range []struct {
		flag  string
		value *time.Duration
	}{{"latency", c.Latency}, {"jitter", c.Jitter}, {"cost", c.Cost}} {
		if t.value != nil {
			errs = append(errs, argument.Range(*t.value >= 0 && *t.value <= timeMax, t.flag, *t.value, fmt.Sprintf("0s to %v", timeMax)))
		}
	}
	if c.Loss != nil {
		errs = append(errs, argument.Fraction("loss", *c.Loss))
	}
	return errors.Join(errs...)
}

// setting is a script and the conditions that it runs under.
type setting struct {
	script  *scenario.Script
	profile scenario.Profile
	network sim.Network
}

// options are those of a run in the setting.
func (s *setting) options(nodes int, seed uint64) scenario.Options {
	return scenario.Options{Script: s.script, Nodes: nodes, Seed: seed, Timing: s.profile.Timing(), Network: s.network}
}

// conditions says what the setting is, for a title.
func (s *setting) conditions(nodes int) []string {
	all := []string{
		tabular.Plural(nodes, "node"), s.profile.String(),
		fmt.Sprintf("latency %v + up to %v", s.network.Latency, s.network.Jitter),
		"loss " + tabular.Percent(s.network.Loss),
	}
	if s.network.Processing > 0 {
		all = append(all, fmt.Sprintf("%v a packet", s.network.Processing))
	}
	return all
}

// fields are the conditions in JSON.
func (s *setting) fields() document {
	return document{
		{"profile", s.profile},
		{"latency_ms", tabular.Millis(s.network.Latency)},
		{"jitter_ms", tabular.Millis(s.network.Jitter)},
		{"cost_ms", tabular.Millis(s.network.Processing)},
		{"loss", tabular.Number(s.network.Loss)},
	}
}

// apply puts a script under the conditions.
func (c *Conditions) apply(s *scenario.Script) setting {
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
	if c.Cost != nil {
		net.Processing = *c.Cost
	}
	if c.Loss != nil {
		net.Loss = float64(*c.Loss)
	}
	return setting{s, profile, net}
}

// load returns a scenario by the name of a built-in or of a file.
func load(name string) (*scenario.Script, error) {
	text, err := scenario.Text(name)
	if err == nil {
		return scenario.Parse(name, text)
	}
	if isFile := strings.ContainsAny(name, `./\`); !isFile {
		return nil, fmt.Errorf("%w (a file is named with a dot or a slash)", err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return scenario.Parse(name, string(data))
}

// names lists the built-in scenarios for help and errors.
func names() string { return strings.Join(slices.Sorted(slices.Values(scenario.Names())), ", ") }
