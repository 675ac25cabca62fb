package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// repair is what is known of events that one origin has published and this node
// has not heard.
type repair struct {
	noticed member.Time // when something began to lack
	next    member.Time // when tickRepair has something to do
	marks   [6]mark     // the first count of them; tops rise
	count   int
	ads     [4]ad // the first of who said that they have more
	adCount int
	turn    int
	retry   member.Time // no pull before: one is under way
	waiting int         // events asked for that have not come
	tries   int         // pulls in a row that brought nothing
}

// mark notes when numbers up to top were first known to exist: they may be on
// their way still.
type mark struct {
	top uint64
	at  member.Time
}

// ad is a peer that has what this node lacks.
type ad struct {
	from       *link
	floor, top uint64
}

const (
	// heardFanout is how many members a digest goes to: with two, a share of e^-2
	// of those without an event hears of it from each generation of digests, and
	// there is one every 20 ms.
	heardFanout = 2
	// pullEvents and pullRuns bound what is asked for at once: some 30 datagrams,
	// and a message that fits one.
	pullEvents = 256
	pullRuns   = 64
	// quickTries is how many peers are asked a round trip apart, and pullEvery the
	// longest pause between the pulls after that.
	quickTries = 6
	pullEvery  = time.Second
	// pullDelayMax bounds the wait for what may still be on its way.
	pullDelayMax = time.Second
	// markStep joins what is noticed together.
	markStep = 10 * time.Millisecond
	// hopelessTries and hopelessTime are after how many pulls in vain, and how
	// long, an event of an origin that is not live is given up. A live origin is
	// asked for as long as it keeps the event.
	hopelessTries = 8
	hopelessTime  = 5 * time.Second
	// exchangeEvery is the least time between two comparisons of all that was
	// heard, exchangeSettle how long nothing should have come before one.
	exchangeEvery  = time.Second
	exchangeSettle = 300 * time.Millisecond
)

// noteNews lists an origin for the next digest.
func (m *Machine) noteNews(now member.Time, o *origin) {
	m.lastNews = now
	if m.cfg.Timing.HeardDelay < 0 {
		return
	}
	if !o.news {
		o.news = true
		m.news = append(m.news, o)
	}
	m.heardAt = min(m.heardAt, now.Add(m.cfg.Timing.HeardDelay))
}

// tickHeard sends a digest of what is new.
func (m *Machine) tickHeard(now member.Time) {
	if now < m.heardAt {
		return
	}
	m.heardAt = Never
	encoded, n := m.entries[:0], 0
	for n < len(m.news) && len(encoded) < m.cfg.PayloadMax/2 {
		m.news[n].news = false
		encoded = m.appendEntry(encoded, m.news[n])
		n++
	}
	m.entries = encoded
	m.news = append(m.news[:0], m.news[n:]...)
	if len(m.news) > 0 {
		m.heardAt = now.Add(m.cfg.Timing.HeardDelay)
	}
	m.msg.heard = wire.Heard{}
	m.msg.heard.SetEntries(encoded)
	for range m.randomPeers(heardFanout) {
		m.tell(m.linkTo(m.picked[len(m.picked)-1]), &m.msg.heard)
		m.picked = m.picked[:len(m.picked)-1]
		m.stats.HeardSent++
	}
}

// randomPeers puts up to k distinct random live members into m.picked.
func (m *Machine) randomPeers(k int) int {
	live := m.cfg.Members.Live()
	m.picked = m.picked[:0]
	for tries := 0; tries < 8*k && len(m.picked) < k && len(live) > 0; tries++ {
		p := live[draw.Below(m.cfg.Rand, len(live))]
		if p.ID == m.cfg.ID || len(m.picked) > 0 && m.picked[0].ID == p.ID {
			continue
		}
		m.picked = append(m.picked, p)
	}
	return len(m.picked)
}

// runsTold bounds the runs above the base in one entry: most have none or one.
const runsTold = 16

// appendEntry encodes what was heard of an origin.
func (m *Machine) appendEntry(b []byte, o *origin) []byte {
	e := wire.HeardEntry{Origin: o.id, Epoch: o.epoch, Floor: min(o.floor, o.base), Base: o.base}
	m.runs = m.runs[:0]
	n := 0
	last := o.base
	for run, ok := o.nextHeard(last); ok && n < runsTold; run, ok = o.nextHeard(last) {
		m.runs = wire.AppendRun(m.runs, last, run)
		last = run.To
		n++
	}
	e.Above = wire.NewRuns(m.runs, o.base)
	return wire.AppendHeardEntry(b, &e, n)
}

// AddBaseline writes all that was heard, for a joiner, to the send that is open.
func (m *Machine) AddBaseline() {
	encoded := m.entries[:0]
	for _, o := range m.origins {
		if !o.gone && (o.base > 0 || len(o.above) > 0) {
			encoded = m.appendEntry(encoded, o)
		}
	}
	m.entries = encoded
	if len(encoded) > 0 {
		m.msg.heard = wire.Heard{Baseline: true}
		m.msg.heard.SetEntries(encoded)
		m.cfg.Out.Add(&m.msg.heard)
	}
}

// AppendHeard appends a message to b that tells what was heard of each origin of
// which something is kept. A driver without pings adds it to a payload now and
// then: who lacks some of it pulls it, and with ask tells in turn what it has.
func (m *Machine) AppendHeard(b []byte, ask bool) []byte {
	encoded := m.entries[:0]
	for _, o := range m.origins {
		if o.kept > 0 {
			encoded = m.appendEntry(encoded, o)
		}
	}
	m.entries = encoded
	m.msg.heard = wire.Heard{Ask: ask}
	m.msg.heard.SetEntries(encoded)
	return wire.Append(b, &m.msg.heard)
}

// SetJoining tells whether this node is being told the view of a cluster: only
// then does it take a baseline. After that an origin that is not in it has said
// nothing before.
func (m *Machine) SetJoining(joining bool) {
	m.informed = m.informed || m.joining && !joining
	m.joining = joining
}

// Root returns the hash of all that was heard, and false while there is nothing
// to repair: then no ping need carry it.
func (m *Machine) Root() (uint64, bool) {
	root, any := uint64(0), false
	for _, o := range m.origins {
		if o.kept > 0 {
			root ^= wire.HashHeard(o.id, o.epoch, o.base, o.first, o.above)
			any = true
		}
	}
	return root, any
}

// onRoot compares what a peer has heard with what this node has, by hash, and
// tells it everything when they differ (Demers 1987 section 1.3).
func (m *Machine) onRoot(now member.Time, l *link, r *wire.HeardRoot) {
	mine, any := m.Root()
	since := now.Sub(m.lastExchange)
	if r.Root == mine || any && since < exchangeEvery {
		return
	}
	if now.Sub(m.lastNews) < exchangeSettle && since < 2*exchangeEvery {
		return // the difference is on its way
	}
	m.lastExchange = now
	m.tellAll(l, true)
}

// tellAll sends a peer what was heard of each origin of which something is kept.
func (m *Machine) tellAll(l *link, ask bool) {
	encoded := m.entries[:0]
	send := func(ask bool) {
		m.msg.heard = wire.Heard{Ask: ask}
		m.msg.heard.SetEntries(encoded)
		m.tell(l, &m.msg.heard)
		m.stats.HeardSent++
	}
	for _, o := range m.origins {
		if o.kept == 0 {
			continue
		}
		if len(encoded) > m.cfg.PayloadMax*3/4 {
			send(false)
			encoded = encoded[:0]
		}
		encoded = m.appendEntry(encoded, o)
	}
	send(ask)
	m.entries = encoded[:0]
}

// onHeard takes a digest.
func (m *Machine) onHeard(now member.Time, l *link, h *wire.Heard) {
	if h.Baseline && !m.joining {
		m.drops[dropBaseline]++
		return
	}
	for e := (wire.HeardEntry{}); h.Next(&e); {
		o := m.originOf(now, e.Origin, e.Epoch)
		switch {
		case o == nil || o.id == m.cfg.ID:
		case h.Baseline:
			m.takeBaseline(now, o, &e)
		default:
			m.compare(now, l, o, &e)
		}
	}
	if h.Ask {
		m.lastExchange = now
		m.tellAll(l, false)
	}
}

// takeBaseline makes the past what a contact has heard before this node joined.
func (m *Machine) takeBaseline(now member.Time, o *origin, e *wire.HeardEntry) {
	if o.base > 0 || o.kept > 0 {
		return // not new to it
	}
	o.startAt(e.Base)
	o.floor = e.Base
	for run := (wire.Run{}); e.Above.Next(&run) && run.To-o.base <= aheadMax; {
		for seq := run.After + 1; seq <= run.To; seq++ {
			o.mark(seq)
		}
	}
	if !o.complete() {
		m.noteHoles(now, o, o.top)
	}
}

// compare notes what a peer has that this node lacks.
func (m *Machine) compare(now member.Time, l *link, o *origin, e *wire.HeardEntry) {
	if e.Origin == l.peer.ID {
		// The origin does not keep it, and others drop it as early. What another
		// does not keep may have been before its time alone.
		m.meet(now, o, e.Floor)
		if e.Floor > o.base {
			m.giveUp(now, o, e.Floor)
		}
	}
	top := e.Base
	hole := false
	if run, ok := o.nextHole(max(o.base, e.Floor), e.Base); ok && run.After < e.Base {
		hole = true
	}
	for run := (wire.Run{}); e.Above.Next(&run); {
		if _, ok := o.nextHole(max(run.After, o.base), run.To); ok {
			hole = true
		}
		top = run.To
	}
	if !hole {
		return
	}
	top = min(top, o.base+aheadMax)
	o.top = max(o.top, top)
	m.noteHoles(now, o, top)
	if o.repair != nil {
		o.repair.advertise(l, e.Floor, top)
		m.repairDue = min(m.repairDue, o.repair.next)
	}
	m.strategy.heard(now, l, o)
}

// noteHoles notes that events up to top exist, some of which lack.
func (m *Machine) noteHoles(now member.Time, o *origin, top uint64) {
	r := o.repair
	if r == nil {
		if o.complete() {
			return
		}
		r = &repair{noticed: now, next: Never}
		o.repair = r
		m.repairing = append(m.repairing, o)
	}
	r.settle(o.base)
	switch last := max(r.count-1, 0); {
	case r.count > 0 && top <= r.marks[last].top:
	case r.count > 0 && now.Sub(r.marks[last].at) < markStep:
		r.marks[last].top = top
	case r.count == len(r.marks):
		r.marks[last] = mark{top, now}
	default:
		r.marks[r.count] = mark{top, now}
		r.count++
	}
	r.next = min(r.next, max(r.retry, r.marks[0].at.Add(m.pullDelay())))
	m.repairDue = min(m.repairDue, r.next)
}

// settle drops the marks that the base has passed.
func (r *repair) settle(base uint64) {
	n := 0
	for n < r.count && r.marks[n].top <= base {
		n++
	}
	copy(r.marks[:], r.marks[n:r.count])
	r.count -= n
}

// advertise remembers who has more, the newest in place of the oldest.
func (r *repair) advertise(l *link, floor, top uint64) {
	for i := range r.ads[:r.adCount] {
		if r.ads[i].from == l {
			r.ads[i].floor, r.ads[i].top = floor, max(top, r.ads[i].top)
			return
		}
	}
	if r.adCount == len(r.ads) {
		copy(r.ads[:], r.ads[1:])
		r.adCount--
	}
	r.ads[r.adCount] = ad{l, floor, top}
	r.adCount++
}

// pullDelay is how long something may be on its way after others had it.
func (m *Machine) pullDelay() time.Duration {
	return max(m.cfg.Timing.PullDelay, min(m.timeout(), pullDelayMax))
}

// repaired notes that an event of an origin with holes has come.
func (m *Machine) repaired(now member.Time, o *origin) {
	r := o.repair
	r.tries = 0
	if r.waiting > 0 {
		if r.waiting--; r.waiting == 0 {
			r.retry, r.next = now, now
			m.repairDue = now
		}
	}
}

// tickRepairs pulls what is overdue.
func (m *Machine) tickRepairs(now member.Time) {
	if now < m.repairDue {
		return
	}
	m.repairDue = Never
	for i := 0; i < len(m.repairing); {
		o := m.repairing[i]
		if now >= o.repair.next {
			m.tickRepair(now, o)
		}
		if o.repair == nil {
			continue // it has left the list
		}
		m.repairDue = min(m.repairDue, o.repair.next)
		i++
	}
}

func (m *Machine) tickRepair(now member.Time, o *origin) {
	r := o.repair
	delay := m.pullDelay()
	ripe := uint64(0)
	for _, k := range r.marks[:r.count] {
		if now.Sub(k.at) >= m.cfg.Timing.Window {
			m.giveUp(now, o, k.top) // nobody keeps it any more
		}
		if now.Sub(k.at) >= delay {
			ripe = k.top
		}
	}
	if r.tries >= hopelessTries && now.Sub(r.noticed) >= hopelessTime && m.livePeer(o.id) == nil && ripe > o.base {
		m.giveUp(now, o, ripe)
	}
	if o.repair == nil {
		return
	}
	r.settle(o.base)
	if r.count == 0 {
		m.noteHoles(now, o, o.top)
	}
	switch {
	case ripe <= o.base:
		r.next = max(r.marks[0].at.Add(delay), now.Add(time.Millisecond))
	case now < r.retry:
		r.next = r.retry
	default:
		m.pull(now, o, ripe)
		r.next = r.retry
	}
}

// pull asks one peer for what lacks up to a number: those who said that they
// have it in turn, then the origin, then who sent something of it last.
func (m *Machine) pull(now member.Time, o *origin, ripe uint64) {
	r := o.repair
	r.tries++
	r.waiting = 0
	var last [2]ad
	n := 0
	if p := m.livePeer(o.id); p != nil {
		last[n] = ad{m.linkTo(*p), 0, ripe}
		n++
	}
	if o.source != nil && m.livePeer(o.source.peer.ID) != nil {
		last[n] = ad{o.source, 0, ripe}
		n++
	}
	for range r.adCount + n {
		i := r.turn % (r.adCount + n)
		r.turn++
		a := last[max(i-r.adCount, 0)]
		if i < r.adCount {
			a = r.ads[i]
		}
		if m.ask(o, a, min(ripe, a.top)) {
			r.retry = now.Add(r.patience(m.timeoutOf(a.from, wire.LaneSmall)))
			return
		}
	}
	r.retry = now.Add(r.patience(m.timeout()))
}

// patience is how long an answer may take: a round trip at first, so that the
// next peer is asked soon, and longer when several had nothing to give.
func (r *repair) patience(timeout time.Duration) time.Duration {
	return max(timeout, min(timeout<<min(max(r.tries-quickTries, 0), 10), pullEvery))
}

// ask pulls what lacks within a peer's offer; false if there is nothing.
func (m *Machine) ask(o *origin, a ad, to uint64) bool {
	encoded := m.runs[:0]
	last, runs, left := uint64(0), 0, uint64(pullEvents)
	for at := max(o.base, a.floor); runs < pullRuns && left > 0; {
		hole, ok := o.nextHole(at, to)
		if !ok {
			break
		}
		if ev := m.find(o, hole.After+1); ev != nil { // its chunks are asked for one by one
			at = hole.After + 1
			continue
		}
		hole.To = min(hole.To, hole.After+left)
		hole.To = m.beforePartial(o, hole)
		at = hole.To
		encoded = wire.AppendRun(encoded, last, hole)
		last = hole.To
		left -= hole.To - hole.After
		runs++
	}
	m.runs = encoded
	if runs == 0 {
		return false
	}
	m.msg.pull = wire.Pull{Origin: o.id, Epoch: o.epoch, Runs: wire.NewRuns(encoded, 0)}
	m.tell(a.from, &m.msg.pull)
	m.stats.Pulls++
	o.repair.waiting = pullEvents - int(left)
	return true
}

// beforePartial returns the end of a hole up to the first event of which some
// chunks are here.
func (m *Machine) beforePartial(o *origin, hole wire.Run) uint64 {
	to := hole.To
	for _, ev := range m.partials {
		if ev.origin == o && ev.seq > hole.After && ev.seq <= to {
			to = ev.seq - 1
		}
	}
	return to
}

// What a peer is given for one pull.
const (
	repairBytes  = 64 << 10
	repairChunks = 16
	repairsMax   = 1024 // queued for one peer
	firstChunks  = 8    // of a large event of which it has nothing
)

// onPull answers with what is kept. What is not, the peer should know.
func (m *Machine) onPull(now member.Time, l *link, p *wire.Pull) {
	o := m.originOf(now, p.Origin, p.Epoch)
	if o == nil {
		return
	}
	m.strategy.pulled(now, l)
	give := giver{m: m, l: l, bytes: repairBytes, chunks: repairChunks}
	for run := (wire.Run{}); p.Runs.Next(&run); {
		if p.Chunks {
			give.chunksOf(m.find(o, p.Seq), run)
			continue
		}
		for seq := run.After + 1; seq <= min(run.To, o.top, run.After+pullEvents); seq++ {
			give.event(m.find(o, seq))
		}
		give.lacks = give.lacks || run.To > o.top
	}
	if give.lacks {
		m.msg.heard = wire.Heard{}
		m.entries = m.appendEntry(m.entries[:0], o)
		m.msg.heard.SetEntries(m.entries)
		m.tell(l, &m.msg.heard)
	}
	m.wake(l, 0)
}

// giver queues answers to one pull, within what a peer is given.
type giver struct {
	m      *Machine
	l      *link
	bytes  int
	chunks int
	lacks  bool // something that was asked for is not kept
}

func (g *giver) event(ev *event) {
	switch {
	case ev == nil || ev.content == nil:
		g.lacks = true
	case ev.chunked:
		for i := range min(firstChunks, wire.Chunks(ev.size)) {
			g.chunk(ev, i)
		}
	case g.bytes < ev.size || len(g.l.repairs) >= repairsMax:
		g.m.drops[dropPull]++
	default:
		g.bytes -= ev.size
		g.add(ev, small)
	}
}

func (g *giver) chunksOf(ev *event, run wire.Run) {
	if ev == nil || !ev.chunked {
		g.lacks = true
		return
	}
	for i := run.After; i < min(run.To, uint64(wire.Chunks(ev.size))); i++ {
		g.chunk(ev, int(i))
	}
}

func (g *giver) chunk(ev *event, i int) {
	switch {
	case ev.chunk(i) == nil:
		g.lacks = true
	case g.chunks == 0 || len(g.l.repairs) >= repairsMax:
		g.m.drops[dropPull]++
	default:
		g.chunks--
		g.add(ev, i)
	}
}

func (g *giver) add(ev *event, chunk int) {
	ev.refs++
	g.l.repairs = append(g.l.repairs, repairItem{ev, chunk})
}
