package scenario

import (
	"slices"
	"strings"
	"time"
)

// settings read the head of a script.
var settings map[string]func(*parser)

// words read what happens.
var words map[string]func(*parser) action

func init() { // the tables refer to functions that refer to the tables
	settings = map[string]func(*parser){
		"nodes":     func(p *parser) { once(p, &p.script.setup.nodes, p.whole("a number of nodes", NodesMax)) },
		"profile":   readProfile,
		"latency":   func(p *parser) { once(p, &p.script.setup.latency, p.duration("a duration")) },
		"jitter":    func(p *parser) { once(p, &p.script.setup.jitter, p.duration("a duration")) },
		"loss":      func(p *parser) { once(p, &p.script.setup.loss, p.share("a share")) },
		"duplicate": func(p *parser) { once(p, &p.script.setup.duplicate, p.share("a share")) },
		"cost":      func(p *parser) { once(p, &p.script.setup.cost, p.duration("a duration")) },
		"begin":     readBegin,
	}
	words = map[string]func(*parser) action{
		"start":     readStart,
		"kill":      func(p *parser) action { return &kill{p.set(), p.lasting()} },
		"pause":     func(p *parser) action { return &pause{p.set(), p.lasting()} },
		"resume":    func(p *parser) action { return &resume{p.set()} },
		"leave":     func(p *parser) action { return &leave{p.set()} },
		"cut":       func(p *parser) action { return &cut{p.sides(), p.lasting()} },
		"isolate":   func(p *parser) action { return &cut{pair{a: p.set(), rest: true}, p.lasting()} },
		"heal":      func(*parser) action { return heal{} },
		"slow":      readSlow,
		"loss":      readLoss,
		"latency":   readLatency,
		"churn":     readChurn,
		"let":       readLet,
		"set":       func(p *parser) action { return &put{p.set(), p.key(), p.next("a value").text} },
		"delete":    func(p *parser) action { return &remove{p.set(), p.key()} },
		"broadcast": readBroadcast,
		"write":     readWrite,
		"mark":      func(p *parser) action { return mark(p.next("a name").text) },
		"expect":    readExpect,
		"end":       func(*parser) action { return end{} },
	}
}

func settingNames() []string { return sortedKeys(settings) }
func wordNames() []string    { return sortedKeys(words) }

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// once sets what a script may say only once.
func once[T any](p *parser, to **T, v T) {
	if p.err == nil && *to != nil {
		p.failAt(1, "this was set before")
	}
	*to = &v
}

func readProfile(p *parser) {
	t := p.next("lan, wan or local")
	var profile Profile
	if err := profile.UnmarshalText([]byte(t.text)); p.err == nil && err != nil {
		p.failAt(t.column, "%v", err)
	}
	once(p, &p.script.setup.profile, profile)
}

func readBegin(p *parser) {
	switch t := p.next("formed or empty"); {
	case p.err != nil || t.text == "formed":
	case t.text == "empty":
		p.script.setup.empty = true
	default:
		p.failAt(t.column, "%q: want formed or empty", t.text)
	}
}

// lasting reads "for 20s" if it is there.
func (p *parser) lasting() forTime {
	if !p.accept("for") {
		return 0
	}
	column := p.column()
	d := p.duration("a duration")
	if p.err == nil && d == 0 {
		p.failAt(column, "for wants a duration above 0")
	}
	return forTime(d)
}

// key reads the key of a fact.
func (p *parser) key() string {
	t := p.next("a key")
	if p.err == nil && (t.text == "" || len(t.text) > keyMax) {
		p.failAt(t.column, "a key has 1 to %d bytes", keyMax)
	}
	if p.err == nil && strings.HasPrefix(t.text, payloadPrefix) {
		p.failAt(t.column, "keys in %s are those of broadcast and write", payloadPrefix)
	}
	return t.text
}

const (
	// keyMax is the longest key of a fact.
	keyMax = 256
	// payloadPrefix begins the keys of broadcast and write.
	payloadPrefix = "payload/"
)

func readStart(p *parser) action {
	s := &start{set: p.set()}
	if p.accept("over") {
		s.over = p.duration("a duration")
	}
	return s
}

func readSlow(p *parser) action {
	s := &slow{set: p.set()}
	p.expectWord("by")
	s.by = p.duration("a duration")
	s.forTime = p.lasting()
	return s
}

func readLoss(p *parser) action {
	l := &loss{share: p.share("a share")}
	if len(p.tokens) > 0 && p.tokens[0].text != "for" {
		column := p.column()
		links := p.pair()
		if p.err == nil && !links.oneWay {
			p.failAt(column, "loss is one way: want SET -> SET")
		}
		l.links = &links
	}
	l.forTime = p.lasting()
	return l
}

func readLatency(p *parser) action {
	l := &latency{latency: p.duration("a duration"), jitter: -1}
	if p.accept("jitter") {
		l.jitter = p.duration("a duration")
	}
	return l
}

func readChurn(p *parser) action {
	c := &churn{set: p.set()}
	p.expectWord("every")
	column := p.column()
	c.every = p.duration("an interval")
	if p.err == nil && c.every == 0 {
		p.failAt(column, "churn wants an interval above 0")
	}
	p.expectWord("down")
	column = p.column()
	c.down = p.duration("a duration")
	if p.err == nil && c.down == 0 {
		p.failAt(column, "down wants a duration above 0")
	}
	p.expectWord("until")
	c.column = p.column()
	c.until = p.duration("the time at which it ends")
	return c
}

// churn is a line that kills some again and again.
type churn struct {
	set                set
	every, down, until time.Duration
	column             int // of until
}

func (*churn) run(*runner) {} // expanded by the parser

// expand turns the line into what it stands for.
func (c *churn) expand(p *parser, l *line, column int) {
	switch {
	case l.every > 0:
		p.failAt(column, "churn repeats by itself: leave out every before it")
	case l.timing == at && c.until <= l.delay:
		p.failAt(c.column, "until %v is not after %v", c.until, l.delay)
	}
	l.every, l.until = c.every, c.until
	l.action = &kill{c.set, forTime(c.down)}
}

func readLet(p *parser) action {
	t := p.next("a name")
	switch {
	case p.err != nil:
	case t.quoted || !isName(t.text):
		p.failAt(t.column, "%q is no name: want letters", t.text)
	case slices.Contains(reserved, t.text) || byWord[t.text] != nil:
		p.failAt(t.column, "%q means something else", t.text)
	}
	p.expectWord("=")
	l := &let{name: t.text, set: p.set()}
	if p.err == nil {
		p.names[t.text] = true
	}
	return l
}

// reserved words mean something where a set may stand.
var reserved = []string{"n", "any", "first", "last", "rest", "of", "for", "over", "by", "from"}

func isName(text string) bool {
	for i, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && (r == '-' || r >= '0' && r <= '9')
		if !letter {
			return false
		}
	}
	return text != ""
}

func readBroadcast(p *parser) action {
	b := &broadcast{size: p.size(eventMax)}
	p.expectWord("from")
	b.set = p.set()
	return b
}

func readWrite(p *parser) action {
	w := &write{size: p.size(factMax)}
	p.expectWord("from")
	w.set = p.set()
	return w
}
