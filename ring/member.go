package ring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/hearsay-gossip/hearsay/member"
)

const (
	// WeightNormal is the weight of a member that says nothing of it: 100 %.
	WeightNormal = 100
	// WeightMax bounds what a member may claim, for its word costs memory at all
	// others: sixteen times the normal, as a host with 16 disks among hosts with one.
	WeightMax = 1600

	// replicasMax bounds a preference list. Lists are searched one by one, which
	// is cheap up to here; nobody keeps more copies.
	replicasMax = 16
	// tokensMax bounds the tokens of a member of normal weight: 48 KiB.
	tokensMax = 4096

	replicasDefault = 3 // Dynamo's common choice (section 6): two copies survive one loss
	// tokensDefault makes the shares of equal members differ by 1/√256 = 6 % (standard
	// deviation). A quarter of it doubles that, four times halve it; tokens cost 12
	// bytes each, and time in proportion at each change of the ring.
	tokensDefault = 256
)

// Member is a node on a ring. Of these fields only ID, Zone and Weight decide
// where keys go.
type Member struct {
	ID member.NodeID
	// Epoch tells its lives apart: what a member kept in memory ended with the
	// epoch, though its keys stay its own.
	Epoch member.Epoch
	// State is Alive or Suspect. Who is dead or has left is not on a ring.
	State member.State
	// Zone is what may fail as one: a rack, a room, a data centre. Members without
	// a zone count as in one together, since they may be.
	Zone string
	// Weight is its capacity in percent of a normal member's; 0 means 100. It is
	// cut to WeightMax; below 0, the member is not on the ring.
	Weight int
}

// Options says how a ring is made. All nodes of a cluster need the same ones. The
// zero value of a field means its default.
type Options struct {
	// Replicas is N, the length of a preference list: 1 to 16, default 3. More
	// survive more failures and cost as many copies.
	Replicas int
	// Tokens is how many positions a member of normal weight has: 1 to 4,096,
	// default 256. More make shares evener, and changes of the ring slower.
	Tokens int
	// ZoneKey is the fact in which a member publishes its zone. Default "zone".
	ZoneKey string
	// WeightKey is the fact in which it publishes its weight, in decimal. "0" takes
	// it off the ring, to drain it. What is no number is ignored. Default "weight".
	WeightKey string
	// OptIn leaves members off the ring that publish no weight, such as mere clients
	// of the cluster. The facts of a member arrive in the order in which it wrote
	// them: if it publishes its weight last, nobody places it by half of its facts.
	OptIn bool
}

// ErrOptions is wrapped by the errors of [Options.Validate].
var ErrOptions = errors.New("ring options")

// Validate returns all that is wrong with the options, joined.
func (o Options) Validate() error {
	var errs []error
	if o.Replicas < 0 || o.Replicas > replicasMax {
		errs = append(errs, fmt.Errorf("%w: %d replicas, want 1 to %d", ErrOptions, o.Replicas, replicasMax))
	}
	if o.Tokens < 0 || o.Tokens > tokensMax {
		errs = append(errs, fmt.Errorf("%w: %d tokens, want 1 to %d", ErrOptions, o.Tokens, tokensMax))
	}
	if o = o.filled(); o.ZoneKey == o.WeightKey {
		errs = append(errs, fmt.Errorf("%w: zone and weight are both read from %q", ErrOptions, o.ZoneKey))
	}
	return errors.Join(errs...)
}

func (o Options) filled() Options {
	o.Replicas = cmp.Or(o.Replicas, replicasDefault)
	o.Tokens = cmp.Or(o.Tokens, tokensDefault)
	o.ZoneKey = cmp.Or(o.ZoneKey, "zone")
	o.WeightKey = cmp.Or(o.WeightKey, "weight")
	return o
}

// tokens returns how many tokens a weight is worth, at least one.
func (o Options) tokens(weight int) int { return max(1, o.Tokens*weight/WeightNormal) }

// read fills in what a member publishes about itself.
func (o Options) read(m Member, facts map[string][]byte) Member {
	m.Zone = string(facts[o.ZoneKey])
	weight, err := strconv.Atoi(string(facts[o.WeightKey]))
	switch {
	case err != nil && o.OptIn, err == nil && weight == 0:
		m.Weight = -1
	case err != nil || weight < 0:
		m.Weight = WeightNormal
	default:
		m.Weight = weight
	}
	return m
}

// canonical returns who of some members is on the ring, ordered by ID. Where two
// have one ID, which is a mistake of the caller, the order does not decide.
func canonical(members []Member) []Member {
	on := make([]Member, 0, len(members))
	for _, m := range members {
		if m.Weight == 0 {
			m.Weight = WeightNormal
		}
		if m.Weight > 0 && (m.State == member.Alive || m.State == member.Suspect) {
			m.Weight = min(m.Weight, WeightMax)
			on = append(on, m)
		}
	}
	slices.SortFunc(on, func(a, b Member) int {
		return cmp.Or(a.ID.Compare(b.ID), -cmp.Compare(a.Epoch, b.Epoch), -cmp.Compare(a.State, b.State),
			cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Weight, b.Weight))
	})
	return slices.CompactFunc(on, func(a, b Member) bool { return a.ID == b.ID })
}
