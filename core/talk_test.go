package core_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// talk is a handful of nodes on a wire that a script holds in its hands: no
// packet moves unless the script says so.
type talk struct {
	t       *testing.T
	now     core.Time
	talkers []*talker
	wire    []parcel
	cuts    map[[2]int]bool // from, to
	said    []byte
	quiet   bool           // hide what changes nothing
	seqs    map[string]int // sequence numbers in order of appearance
	numbers map[string]int // of relays, likewise
	roots   map[string]int // of what was heard, likewise
}

type talker struct {
	number  int
	id      member.NodeID
	epoch   member.Epoch
	addr    netip.AddrPort
	name    member.Name
	machine *core.Machine
}

type parcel struct {
	from, to int
	lane     core.Lane
	payload  []byte
}

func newTalk(t *testing.T) *talk {
	return &talk{t: t, now: 1, cuts: map[[2]int]bool{}, seqs: map[string]int{}, numbers: map[string]int{}, roots: map[string]int{}}
}

// echoKeys signs with a copy of the message's end: a talk has no forgers.
type echoKeys struct{}

func (echoKeys) Sign(m []byte) (s [wire.SignatureSize]byte) {
	copy(s[:], m[max(len(m)-len(s), 0):])
	return s
}

func (k echoKeys) Verify(_ member.NodeID, _ *[wire.PublicKeySize]byte, m []byte, s *[wire.SignatureSize]byte) bool {
	return k.Sign(m) == *s
}

// add-nodes count=3 [name=x]: starts nodes that know only themselves.
func (k *talk) addNodes(d *datadriven.TestData) {
	var count int
	d.ScanArgs(k.t, "count", &count)
	for range count {
		n := &talker{number: len(k.talkers) + 1}
		n.name = member.Name(fmt.Sprintf("node%d", n.number))
		if d.HasArg("name") {
			var name string
			d.ScanArgs(k.t, "name", &name)
			n.name = member.Name(name)
		}
		binary.BigEndian.PutUint32(n.id[:], 0xaaaa0000+uint32(n.number))
		n.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n.number)}), 7946)
		k.talkers = append(k.talkers, n)
		k.boot(n)
	}
	k.say("%d nodes", len(k.talkers))
}

// restart n=2 [same-epoch]: starts a node anew, in its next epoch.
func (k *talk) restart(d *datadriven.TestData) {
	n := k.node(d, "n")
	if d.HasArg("same-epoch") {
		n.epoch--
	}
	k.boot(n)
	k.say("%d in epoch %d", n.number, n.epoch)
}

func (k *talk) boot(n *talker) {
	n.epoch++
	m, err := core.New(k.now, core.Config{
		ID: n.id, Name: n.name, Epoch: n.epoch, Addrs: []netip.AddrPort{n.addr}, Timing: core.LAN(),
		Keys: echoKeys{}, Rand: rand.New(rand.NewPCG(uint64(n.number), uint64(n.epoch))),
	})
	if err != nil {
		k.t.Fatal(err)
	}
	n.machine = m
}

// join n=2 to=1: one node asks another for its view.
func (k *talk) join(d *datadriven.TestData) {
	n, to := k.node(d, "n"), k.node(d, "to")
	k.step(n, &core.Join{Addrs: []netip.AddrPort{to.addr}})
}

// advance 3s: lets time pass; packets stay where they are.
func (k *talk) advance(d *datadriven.TestData) {
	k.wakeUntil(k.now.Add(duration(k, d, d.CmdArgs[0].Key)), false)
}

// stabilize 10s: lets time pass and delivers every packet at once.
func (k *talk) stabilize(d *datadriven.TestData) {
	k.wakeUntil(k.now.Add(duration(k, d, d.CmdArgs[0].Key)), true)
}

func (k *talk) wakeUntil(end core.Time, deliver bool) {
	if deliver {
		k.deliverAll(nil)
	}
	for {
		var next *talker
		for _, n := range k.talkers {
			if n.machine != nil && (next == nil || n.machine.Deadline() < next.machine.Deadline()) {
				next = n
			}
		}
		if next == nil || next.machine.Deadline() > end {
			break
		}
		k.now = max(k.now, next.machine.Deadline())
		k.step(next, core.Tick{})
		if deliver {
			k.deliverAll(nil)
		}
	}
	k.now = end
}

// deliver [drop=(2,3)]: delivers the packets on the wire, and those that they
// cause, but none to the nodes listed.
func (k *talk) deliver(d *datadriven.TestData) {
	var lost []string
	for _, arg := range d.CmdArgs {
		if arg.Key == "drop" {
			lost = arg.Vals
		}
	}
	k.deliverAll(lost)
}

func (k *talk) deliverAll(lost []string) {
	for rounds := 0; len(k.wire) > 0; rounds++ {
		if rounds > 10_000 {
			k.t.Fatal("the conversation does not end")
		}
		p := k.wire[0]
		k.wire = k.wire[1:]
		from, to := k.talkers[p.from-1], k.talkers[p.to-1]
		if to.machine == nil || k.cuts[[2]int{p.from, p.to}] || slices.Contains(lost, strconv.Itoa(p.to)) {
			if !k.quiet {
				k.show("lost ", &p)
			}
			continue
		}
		before := len(k.said)
		k.show("", &p)
		news := k.step(to, &core.Receive{From: core.Peer{ID: from.id, Addr: from.addr, Lane: p.lane}, Payload: p.payload})
		if k.quiet && !news {
			k.said = k.said[:before]
		}
	}
}

// drop: loses every packet on the wire.
func (k *talk) drop(*datadriven.TestData) {
	for i := range k.wire {
		k.show("lost ", &k.wire[i])
	}
	k.wire = nil
}

// cut from=(1) to=(2,3): packets that way are lost from now on.
func (k *talk) cut(d *datadriven.TestData) {
	var from, to []string
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "from":
			from = arg.Vals
		case "to":
			to = arg.Vals
		}
	}
	for _, f := range from {
		for _, t := range to {
			a, _ := strconv.Atoi(f)
			b, _ := strconv.Atoi(t)
			k.cuts[[2]int{a, b}] = true
		}
	}
}

// heal: ends all cuts.
func (k *talk) heal(*datadriven.TestData) { clear(k.cuts) }

// kill n=2: the node is gone without a word.
func (k *talk) kill(d *datadriven.TestData) { k.node(d, "n").machine = nil }

// pause n=2 for=10s: time passes for all, but this node is not run. Packets are
// delivered to the others.
func (k *talk) pause(d *datadriven.TestData) {
	n := k.node(d, "n")
	var text string
	d.ScanArgs(k.t, "for", &text)
	m := n.machine
	n.machine = nil
	k.wakeUntil(k.now.Add(duration(k, d, text)), true)
	n.machine = m
	k.step(n, core.Tick{})
}

// put n=1 key=a value=b [size=1000]: writes an own fact.
func (k *talk) put(d *datadriven.TestData) {
	in := &core.Put{}
	d.ScanArgs(k.t, "key", &in.Key)
	if d.HasArg("size") {
		var size int
		d.ScanArgs(k.t, "size", &size)
		in.Value = []byte(strings.Repeat("x", size))
	} else {
		var v string
		d.ScanArgs(k.t, "value", &v)
		in.Value = []byte(v)
	}
	k.step(k.node(d, "n"), in)
	if in.Err != nil {
		k.say("error: %v", in.Err)
	}
}

// delete n=1 key=a: deletes an own fact.
func (k *talk) delete(d *datadriven.TestData) {
	in := &core.Delete{}
	d.ScanArgs(k.t, "key", &in.Key)
	k.step(k.node(d, "n"), in)
	if in.Err != nil {
		k.say("error: %v", in.Err)
	}
}

// publish n=1 payload=hello [topic=t] [size=5000] [ordered]: sends a message to
// all. It leaves with the node's next tick.
func (k *talk) publish(d *datadriven.TestData) {
	in := &core.Publish{Topic: "t", Payload: text(k, d), Ordered: d.HasArg("ordered")}
	if d.HasArg("topic") {
		d.ScanArgs(k.t, "topic", &in.Topic)
	}
	k.step(k.node(d, "n"), in)
	if in.Err != nil {
		k.say("error: %v", in.Err)
		return
	}
	k.say("message %d for %d", in.Seq, in.Live)
}

// text reads the arguments payload and size.
func text(k *talk, d *datadriven.TestData) []byte {
	if d.HasArg("size") {
		var size int
		d.ScanArgs(k.t, "size", &size)
		return []byte(strings.Repeat("x", size))
	}
	var v string
	d.ScanArgs(k.t, "payload", &v)
	return []byte(v)
}

// ask n=1 payload=? [topic=t] [name=web*] [tag=key/value] [zone=z] [want-ack]
// timeout=2s: sends a query.
func (k *talk) ask(d *datadriven.TestData) {
	in := &core.Ask{Topic: "t", Payload: text(k, d), WantAck: d.HasArg("want-ack")}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "timeout":
			in.Timeout = duration(k, d, arg.Vals[0])
		case "name":
			in.Filter.Names = arg.Vals
		case "tag":
			key, value, _ := strings.Cut(arg.Vals[0], "/")
			in.Filter.Tags = append(in.Filter.Tags, broadcast.Tag{Key: key, Value: value})
		case "zone":
			in.Filter.Zone = arg.Vals[0]
		}
	}
	k.step(k.node(d, "n"), in)
	if in.Err != nil {
		k.say("error: %v", in.Err)
		return
	}
	k.say("query %d for %d", in.Seq, in.Live)
}

// answer n=2 to=1 seq=1 payload=yes: answers a query.
func (k *talk) answer(d *datadriven.TestData) {
	to := k.node(d, "to")
	in := &core.Answer{Asker: to.id, Epoch: to.epoch, Payload: text(k, d)}
	d.ScanArgs(k.t, "seq", &in.Seq)
	k.step(k.node(d, "n"), in)
	if in.Err != nil {
		k.say("error: %v", in.Err)
	}
}

// leave n=3: says goodbye.
func (k *talk) leave(d *datadriven.TestData) {
	in := &core.Leave{}
	k.step(k.node(d, "n"), in)
	k.say("asked %d", in.Asked)
}

// retire n=1 of=2: an operator at node 1 retires the dead node 2.
func (k *talk) retire(d *datadriven.TestData) {
	in := &core.Retire{ID: k.node(d, "of").id}
	k.step(k.node(d, "n"), in)
	if !in.OK {
		k.say("refused")
	}
}

// quiet [off]: hides packets that are lost, and those that neither tell their
// receiver anything nor make it say more than an ack.
func (k *talk) setQuiet(d *datadriven.TestData) { k.quiet = !d.HasArg("off") }

// status: what each node believes.
func (k *talk) status(*datadriven.TestData) {
	for _, n := range k.talkers {
		if n.machine == nil {
			k.say("%d down", n.number)
			continue
		}
		var views []string
		for i := range n.machine.Len() {
			v := n.machine.Member(i)
			views = append(views, fmt.Sprintf("%s %s", v.ID.Short(), v.Claim))
			if v.Rival {
				views[i] += " (name taken)"
			}
		}
		slices.Sort(views)
		k.say("%d: %s", n.number, strings.Join(views, ", "))
	}
}

// facts: what each node holds of all others' facts.
func (k *talk) facts(*datadriven.TestData) {
	for _, n := range k.talkers {
		if n.machine == nil {
			continue
		}
		var facts []string
		for i := range n.machine.Len() {
			v := n.machine.Member(i)
			n.machine.EachFact(v.ID, func(key string, value []byte) {
				facts = append(facts, fmt.Sprintf("%s %s=%.20s", v.ID.Short(), key, value))
			})
		}
		slices.Sort(facts)
		k.say("%d: %s", n.number, strings.Join(facts, ", "))
	}
}

// step runs one node and puts what it sends on the wire. It reports whether
// anything came of it beyond an ack or the passing on of rumors.
func (k *talk) step(n *talker, in core.Input) (news bool) {
	out := n.machine.Step(k.now, in)
	for i := range out.Packets {
		p := &out.Packets[i]
		for _, to := range k.talkers {
			if to.addr == p.Addr {
				k.wire = append(k.wire, parcel{n.number, to.number, p.Lane, slices.Clone(p.Payload)})
				news = news || !chatter(k.t, p.Payload)
			}
		}
	}
	for i := range out.Events {
		if e := &out.Events[i]; !k.quiet || e.Kind != effect.ProbeAcked {
			k.say("%8s  %d: %s", k.clock(), n.number, e.Describe())
			news = news || e.Kind != effect.ProbeAcked
		}
	}
	return news
}

// chatter reports whether a payload is an ack or rumors alone.
func chatter(t *testing.T, payload []byte) bool {
	for rest := payload; len(rest) > 0; {
		typ, _, after, err := wire.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = after
		switch typ {
		case wire.TypeAck, wire.TypeRecord, wire.TypeAccuse, wire.TypeFact, wire.TypeHeardRoot:
		default:
			return false
		}
	}
	return true
}

func (k *talk) clock() string { return time.Duration(k.now - 1).Truncate(time.Millisecond).String() }

// show prints a packet, one message a line after the first.
func (k *talk) show(note string, p *parcel) {
	var messages []string
	for rest := p.payload; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			k.t.Fatal(err)
		}
		rest = after
		messages = append(messages, describe(k.t, t, body))
	}
	arrow := "->"
	if p.lane == core.Stream {
		arrow = "=>" // on a stream
	}
	k.say("%8s  %d%s%d %s%s", k.clock(), p.from, arrow, p.to, note, strings.Join(messages, "\n              "))
}

func describe(t *testing.T, typ wire.Type, body []byte) string {
	m := map[wire.Type]interface {
		wire.Message
		Decode([]byte) error
	}{
		wire.TypePing: &wire.Ping{}, wire.TypeAck: &wire.Ack{}, wire.TypePingReq: &wire.PingReq{}, wire.TypeNack: &wire.Nack{},
		wire.TypeRecord: &wire.Record{}, wire.TypeAccuse: &wire.Accuse{}, wire.TypeFact: &wire.Fact{},
		wire.TypeAdvert: &wire.Advert{}, wire.TypeDelta: &wire.Delta{}, wire.TypeDigest: &wire.Digest{},
		wire.TypeEntries: &wire.Entries{}, wire.TypeWant: &wire.Want{}, wire.TypeJoin: &wire.Join{},
		wire.TypeJoinAck: &wire.JoinAck{}, wire.TypeLeave: &wire.Leave{}, wire.TypeLeaveAck: &wire.LeaveAck{},
		wire.TypeRelay: &wire.Relay{}, wire.TypeRelayAck: &wire.RelayAck{}, wire.TypeReport: &wire.Report{},
		wire.TypeHeard: &wire.Heard{}, wire.TypePull: &wire.Pull{}, wire.TypeAnswer: &wire.Answer{},
		wire.TypeHeardRoot: &wire.HeardRoot{},
	}[typ]
	if err := m.Decode(body); err != nil {
		t.Fatal(err)
	}
	return m.Describe()
}

var (
	seqPattern  = regexp.MustCompile(`seq=\d+`)
	longPattern = regexp.MustCompile(`x{40,}`)
	// numberPattern is what links count by, rootPattern a hash over IDs.
	numberPattern = regexp.MustCompile(`number=\d+`)
	rootPattern   = regexp.MustCompile(`heard-root [0-9a-f]{16}`)
)

// readable names nodes by number and sequence numbers by order of appearance,
// so that a script does not depend on how either is drawn.
func (k *talk) readable(s string) string {
	for _, n := range k.talkers {
		s = strings.ReplaceAll(s, n.id.Short(), fmt.Sprintf("n%d", n.number))
		s = strings.ReplaceAll(s, n.addr.String(), fmt.Sprintf("addr%d", n.number))
	}
	s = numberPattern.ReplaceAllStringFunc(s, func(number string) string {
		if _, ok := k.numbers[number]; !ok {
			k.numbers[number] = len(k.numbers) + 1
		}
		return fmt.Sprintf("/%d", k.numbers[number])
	})
	s = rootPattern.ReplaceAllStringFunc(s, func(root string) string {
		if _, ok := k.roots[root]; !ok {
			k.roots[root] = len(k.roots) + 1
		}
		return fmt.Sprintf("heard-root (%c)", 'A'+k.roots[root]-1)
	})
	s = longPattern.ReplaceAllStringFunc(s, func(x string) string { return fmt.Sprintf("x*%d", len(x)) })
	return seqPattern.ReplaceAllStringFunc(s, func(seq string) string {
		if _, ok := k.seqs[seq]; !ok {
			k.seqs[seq] = len(k.seqs) + 1
		}
		return fmt.Sprintf("#%d", k.seqs[seq])
	})
}
