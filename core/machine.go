package core

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/rumor"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Time is a point on the node's monotonic clock, handed in.
type Time = member.Time

// View is one member as others may see it.
type View = swim.View

// Config is what a Machine is made of.
type Config struct {
	ID        member.NodeID
	PublicKey [wire.PublicKeySize]byte
	Name      member.Name
	Epoch     member.Epoch
	Cluster   [16]byte
	Addrs     []netip.AddrPort // where others reach this node, best first
	// Anchor is published with the record, for those who open sealed packets;
	// the core makes no use of it. Zero for none.
	Anchor [wire.AnchorSize]byte
	Timing Timing
	// MembersMax bounds the member table; 0 means MembersMaxDefault.
	MembersMax int
	// PayloadMax bounds a datagram's payload; 0 means PayloadMaxDefault.
	PayloadMax int
	// Events and EventLimits are those of broadcasts; zero fields are defaults,
	// and RTOStart is that of the probes.
	Events      broadcast.Timing
	EventLimits broadcast.Limits
	Keys        Keys
	// Rand is used by this machine alone.
	Rand *rand.Rand
}

// Defaults of [Config].
const (
	// MembersMaxDefault is the table size unless configured: about 8 MB of
	// records, and four times the largest cluster that runs SWIM in public.
	MembersMaxDefault = 16_384
	// PayloadMaxDefault leaves 176 B of a datagram to the seal, which needs them
	// while a session is being introduced, and 40 after.
	PayloadMaxDefault = wire.DatagramMax - 176
	// payloadMin holds the largest single rumor beside a ping.
	payloadMin = 1000
)

// Timing is every duration and count of the protocol.
type Timing struct {
	swim.Timing
	// GossipInterval is the pause between pushes while there are hot rumors. The
	// first push of a rumor waits for nothing.
	GossipInterval time.Duration
	// Fanout is how many members a push goes to.
	Fanout int
	// SyncInterval is the least time between two anti-entropy exchanges that a
	// node starts.
	SyncInterval time.Duration
}

// LAN suits members a few milliseconds apart.
func LAN() Timing {
	return Timing{Timing: swim.LAN(), GossipInterval: 200 * time.Millisecond, Fanout: 3, SyncInterval: 250 * time.Millisecond}
}

// WAN suits members up to some 300 ms apart.
func WAN() Timing {
	return Timing{Timing: swim.WAN(), GossipInterval: 500 * time.Millisecond, Fanout: 4, SyncInterval: time.Second}
}

// Local suits members on one machine or in one rack.
func Local() Timing {
	return Timing{Timing: swim.Local(), GossipInterval: 100 * time.Millisecond, Fanout: 3, SyncInterval: 100 * time.Millisecond}
}

// Validate returns all that is wrong with the timing, joined.
func (t Timing) Validate() error {
	errs := []error{t.Timing.Validate()}
	if t.GossipInterval <= 0 {
		errs = append(errs, errors.New("timing: gossip interval must be positive"))
	}
	if t.Fanout < 1 || t.Fanout > 16 {
		errs = append(errs, errors.New("timing: fanout must be within 1 and 16"))
	}
	if t.SyncInterval <= 0 {
		errs = append(errs, errors.New("timing: sync interval must be positive"))
	}
	return errors.Join(errs...)
}

// Validate returns all that is wrong with the configuration, joined.
func (c *Config) Validate() error {
	errs := []error{c.Timing.Validate(), c.Name.Validate()}
	if c.ID.IsZero() {
		errs = append(errs, errors.New("config: node id is missing"))
	}
	if c.Epoch > store.EpochMax {
		errs = append(errs, fmt.Errorf("config: epoch %d, want up to %d", c.Epoch, store.EpochMax))
	}
	if len(c.Addrs) == 0 || len(c.Addrs) > wire.AddrsMax {
		errs = append(errs, fmt.Errorf("config: %d addresses, want 1 to %d", len(c.Addrs), wire.AddrsMax))
	}
	for _, a := range c.Addrs {
		if !a.IsValid() || a.Addr().IsUnspecified() || a.Port() == 0 {
			errs = append(errs, fmt.Errorf("config: address %s cannot be reached by others", a))
		}
	}
	if c.Keys == nil || c.Rand == nil {
		errs = append(errs, errors.New("config: keys and random generator are required"))
	}
	if c.MembersMax < 0 || c.MembersMax > 8*wire.BucketsMax {
		errs = append(errs, fmt.Errorf("config: members max %d, want up to %d", c.MembersMax, 8*wire.BucketsMax))
	}
	if c.PayloadMax != 0 && (c.PayloadMax < payloadMin || c.PayloadMax > wire.DatagramAcceptMax) {
		errs = append(errs, fmt.Errorf("config: payload max %d, want %d to %d", c.PayloadMax, payloadMin, wire.DatagramAcceptMax))
	}
	return errors.Join(errs...)
}

// Machine is the protocol of one node. Not for concurrent use.
type Machine struct {
	cfg    Config
	swim   *swim.Machine
	store  *store.Store
	events *broadcast.Machine
	rumors rumor.Queue
	gossip gossip
	sync   sync
	joins  []join
	seq    wire.Seq

	out    effect.Out
	output Output
	// swimDeadline is when the detector wanted to be called, as of the last
	// step: being later by a lot means that this node was not running.
	swimDeadline Time
	stranger     stranger
	drops        [dropEnd]uint64

	// Reused messages: what is passed as a wire.Message must not be allocated.
	in  inbound
	msg outbound
}

// New returns a machine that knows only itself. It returns all that is wrong
// with the configuration, joined.
func New(now Time, cfg Config) (*Machine, error) {
	if cfg.MembersMax == 0 {
		cfg.MembersMax = MembersMaxDefault
	}
	if cfg.PayloadMax == 0 {
		cfg.PayloadMax = PayloadMaxDefault
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Machine{cfg: cfg, seq: wire.Seq(cfg.Rand.Uint32())}
	m.store = store.New(store.Config{ID: cfg.ID, Epoch: cfg.Epoch, Cluster: cfg.Cluster, Keys: cfg.Keys, Out: &m.out})
	m.swim = swim.New(now, swim.Config{
		ID: cfg.ID, PublicKey: cfg.PublicKey, Name: cfg.Name, Epoch: cfg.Epoch, Cluster: cfg.Cluster,
		Addrs: cfg.Addrs, Anchor: cfg.Anchor, Timing: cfg.Timing.Timing, MembersMax: cfg.MembersMax,
		Keys: cfg.Keys, Rand: cfg.Rand, Out: &m.out, Root: m.root,
	})
	if cfg.Events.RTOStart == 0 {
		cfg.Events.RTOStart = cfg.Timing.ProbeTimeout
	}
	m.events = broadcast.New(now, broadcast.Config{
		ID: cfg.ID, Epoch: cfg.Epoch, Name: cfg.Name, Members: &roster{swim: m.swim}, Out: &m.out, Rand: cfg.Rand,
		Fact:   func(key string) ([]byte, bool) { return m.store.Lookup(cfg.ID, key) },
		Timing: cfg.Events, Limits: cfg.EventLimits, PayloadMax: cfg.PayloadMax,
	})
	m.swimDeadline = m.swim.Deadline()
	m.finish(now)
	return m, nil
}

// Step tells the machine one thing and returns what it asks for, which is valid
// until the next step. now must not go backwards. A spurious step is harmless.
func (m *Machine) Step(now Time, in Input) *Output {
	m.out.Reset()
	if gap := now.Sub(m.swimDeadline); gap > m.pauseMin() {
		m.swim.OnPause(now, gap)
	}
	switch in := in.(type) {
	case *Receive:
		m.receive(now, in)
	case Tick:
		m.tick(now)
	case Flush:
		m.events.Flush(now)
	case *Join:
		m.startJoins(now, in.Addrs)
	case *Unreachable:
		m.joinUnreachable(in.Addr)
	case *Seeds:
		m.swim.SetSeeds(in.Addrs)
	case *Publish:
		in.Self = m.events.Matches(&in.Filter)
		in.Seq, in.Live, in.Err = m.events.Publish(now, broadcast.Message{
			Topic: in.Topic, Payload: in.Payload, Ordered: in.Ordered, Filter: in.Filter,
		})
	case *Ask:
		in.Seq, in.Live, in.Err = m.events.Ask(now, broadcast.Query{
			Topic: in.Topic, Payload: in.Payload, Filter: in.Filter, Timeout: in.Timeout, WantAck: in.WantAck,
		})
	case *Answer:
		in.Err = m.events.Answer(now, in.Asker, in.Epoch, in.Seq, in.Payload)
	case *Put:
		in.Err = m.store.Put(in.Key, in.Value)
	case *Delete:
		in.Err = m.store.Delete(in.Key)
	case *Leave:
		in.Asked = m.swim.Leave(now)
	case *Retire:
		in.OK = m.swim.Retire(now, in.ID)
	}
	m.finish(now)
	return &m.output
}

// pauseMin is the lateness that counts as not having been run. Less could be a
// busy scheduler, of which local health takes care.
func (m *Machine) pauseMin() time.Duration { return max(m.cfg.Timing.ProbePeriod, time.Second) }

func (m *Machine) tick(now Time) {
	m.swim.Tick(now)
	m.tickJoins(now)
	m.tickSync(now)
	m.events.Tick(now)
}

// Deadline returns when the machine next wants a Tick. It is in the past while
// events wait to be sent: whatever else has arrived should be handed in first,
// so that all that it causes shares packets.
func (m *Machine) Deadline() Time {
	t := min(m.swimDeadline, m.events.Deadline())
	if m.rumors.Len() > 0 {
		t = min(t, m.gossip.next)
	}
	if m.sync.burstLeft > 0 {
		t = min(t, m.sync.burstNext)
	}
	for i := range m.joins {
		t = min(t, m.joins[i].expires)
	}
	return t
}

// root is the hash of all that is known: equal roots, equal knowledge.
func (m *Machine) root() wire.Root { return wire.Root(m.swim.Hash() ^ m.store.Hash()) }

// Root returns the hash of all that is known of members and facts. Two machines
// with the same root agree.
func (m *Machine) Root() uint64 { return uint64(m.root()) }

// Len returns the number of members known, this node and the gone included.
func (m *Machine) Len() int { return m.swim.Len() }

// Live returns how many members are alive or suspect, this node included.
func (m *Machine) Live() int { return m.swim.Live() }

// Member returns member i of Len; 0 is this node.
func (m *Machine) Member(i int) View { return m.swim.Member(i) }

// Lookup returns a member by ID.
func (m *Machine) Lookup(id member.NodeID) (View, bool) { return m.swim.Lookup(id) }

// Fact returns a member's value for a key. The value is shared.
func (m *Machine) Fact(id member.NodeID, key string) ([]byte, bool) { return m.store.Lookup(id, key) }

// EachFact calls visit for a member's facts, oldest write first. Values are
// shared.
func (m *Machine) EachFact(id member.NodeID, visit func(key string, value []byte)) {
	m.store.Each(id, visit)
}

// FactCount returns how many facts a member has.
func (m *Machine) FactCount(id member.NodeID) int { return m.store.Len(id) }

// Broadcasts returns what has been sent and received of messages and queries.
func (m *Machine) Broadcasts() broadcast.Stats { return m.events.Stats() }

// Health returns the local health score: 0 is well.
func (m *Machine) Health() int { return m.swim.Health() }

// Hot returns the number of rumors that are still being spread.
func (m *Machine) Hot() int { return m.rumors.Len() }
