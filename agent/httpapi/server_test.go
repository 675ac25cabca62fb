package httpapi

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a node and its agent with four members: a (this one), b (dead), b (a
// live rival for the name), and one whose name is the ID of a.
type fake struct {
	mu     sync.Mutex
	facts  map[string][]byte
	joined []string
	left   bool
	events chan hearsay.Event
	subs   chan struct{} // one for each subscription
}

func newFake() *fake {
	return &fake{
		facts:  map[string][]byte{"zone": []byte("eu"), "raw": {0xff}},
		events: make(chan hearsay.Event), subs: make(chan struct{}, 8),
	}
}

func id(b byte) member.NodeID { return member.NodeID{b} }

func (f *fake) Members() []hearsay.Member {
	addr := netip.MustParseAddrPort("127.0.0.1:7946")
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []hearsay.Member{
		{ID: id(1), Name: "a", State: member.Alive, Epoch: 7, Incarnation: 2, Addr: addr, Addrs: []netip.AddrPort{addr}, Since: since, Self: true},
		{ID: id(2), Name: "b", State: member.Dead, Addr: addr, Since: since, Accuser: id(1)},
		{ID: id(3), Name: "b", State: member.Alive, Addr: addr, Since: since, NameConflict: true},
		{ID: id(4), Name: id(1).String(), State: member.Alive, Addr: addr, Since: since},
	}
}

func (f *fake) Self() hearsay.Member { return f.Members()[0] }

func (f *fake) Lookup(name string) (hearsay.Member, bool) {
	for _, m := range f.Members() {
		if m.Name == name {
			return m, true
		}
	}
	return hearsay.Member{}, false
}

func (f *fake) LookupID(id member.NodeID) (hearsay.Member, bool) {
	for _, m := range f.Members() {
		if m.ID == id {
			return m, true
		}
	}
	return hearsay.Member{}, false
}

func (f *fake) MetaOf(owner member.NodeID) map[string][]byte {
	if owner != id(1) {
		return nil
	}
	return f.facts
}

func (f *fake) Join(_ context.Context, addrs ...string) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.joined = append(f.joined, addrs...)
	if addrs[0] == "unreachable" {
		return 0, errors.New("join: nobody there")
	}
	return len(addrs), nil
}

func (f *fake) Retire(_ context.Context, name string) error {
	switch name {
	case "b":
		return nil
	case "a":
		return hearsay.ErrNotDead
	}
	return hearsay.ErrUnknownMember
}

func (f *fake) Events(ctx context.Context) iter.Seq[hearsay.Event] {
	f.subs <- struct{}{}
	return func(yield func(hearsay.Event) bool) {
		for {
			select {
			case e, open := <-f.events:
				if !open || !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// What members tell and ask is tested with real nodes.

func (f *fake) Broadcast(context.Context, hearsay.Message) (*hearsay.Receipt, error) {
	return nil, hearsay.ErrClosed
}

func (f *fake) Messages(context.Context, ...string) iter.Seq[hearsay.Message] {
	return func(func(hearsay.Message) bool) {}
}

func (f *fake) Query(context.Context, hearsay.Query) (*hearsay.Answers, error) {
	return nil, hearsay.ErrClosed
}

func (f *fake) Questions(context.Context, ...string) iter.Seq[hearsay.Question] {
	return func(func(hearsay.Question) bool) {}
}

func (f *fake) Answer(context.Context, hearsay.Question, []byte) error { return hearsay.ErrClosed }

func (f *fake) Stats() hearsay.Stats {
	return hearsay.Stats{Alive: 3, Dead: 1, Root: 0xab, Facts: 2, DatagramsSent: 5, Drops: []hearsay.Drop{{Reason: "replay", Count: 4}, {Reason: "malformed"}}}
}

func (f *fake) Describe() api.Info { return api.Info{Cluster: "c0", Security: "ring", Durable: true} }

func (f *fake) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		return errors.New("this node has left")
	}
	return nil
}

func (f *fake) Healthy() error { return f.Ready() }

func (f *fake) Leave(context.Context) (api.LeaveReport, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = true
	return api.LeaveReport{Asked: 3, Acked: 2}, nil
}

func (f *fake) SetMeta(_ context.Context, key string, value []byte) (api.WriteReport, error) {
	switch {
	case len(key) > 256:
		return api.WriteReport{}, hearsay.ErrKey
	case len(value) > 64<<10:
		return api.WriteReport{}, hearsay.ErrValue
	case key == "full":
		return api.WriteReport{}, hearsay.ErrKeys
	case key == "broken":
		return api.WriteReport{}, errors.New("boom")
	case key == "closed":
		return api.WriteReport{}, hearsay.ErrClosed
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts[key] = value
	return api.WriteReport{Durable: true}, nil
}

func (f *fake) DeleteMeta(_ context.Context, key string) (api.WriteReport, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.facts[key]; !ok {
		return api.WriteReport{}, hearsay.ErrUnknownKey
	}
	delete(f.facts, key)
	return api.WriteReport{Durable: true}, nil
}

// start serves the fake on loopback; set changes the configuration.
func start(t *testing.T, f *fake, set func(*Config)) (*Server, string) {
	t.Helper()
	cfg := Config{
		Node: f, Agent: f, Logger: discard, Hosts: []string{"Web-1.Example.org"},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics\n") }), //nolint:errcheck // the reader's view counts
	}
	if set != nil {
		set(&cfg)
	}
	s := New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// request is one request and what must come of it.
type request struct {
	method, path, body string
	header             map[string]string // "Host" too
	status             int
	want               string // a part of the body
}

func (q request) do(t *testing.T, addr string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), q.method, "http://"+addr+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	if q.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range q.header {
		if k == "Host" {
			req.Host = v
		} else {
			req.Header.Set(k, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != q.status || !strings.Contains(string(body), q.want) {
		t.Errorf("%s %s %v %.60q: %d %s, want %d and %s", q.method, q.path, q.header, q.body, resp.StatusCode, body, q.status, q.want)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Content-Security-Policy") != "default-src 'self'" {
		t.Errorf("%s %s: headers are %v", q.method, q.path, resp.Header)
	}
	if h := resp.Header.Get("Access-Control-Allow-Origin"); h != "" {
		t.Errorf("%s %s: CORS header %q", q.method, q.path, h)
	}
	if q.status >= 400 && resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: error as %q", q.method, q.path, resp.Header.Get("Content-Type"))
	}
}

func TestEndpoints(t *testing.T) {
	f := newFake()
	_, addr := start(t, f, nil)
	const v1 = api.Prefix
	for _, q := range []request{
		{"GET", v1 + "members", "", nil, 200, `"name":"a","id":"01000000000000000000000000000000","address":"127.0.0.1:7946","addresses":["127.0.0.1:7946"],"state":"alive","epoch":7,"incarnation":2,"since":"2026-01-02T03:04:05Z","conflict":false,"self":true`},
		{"GET", v1 + "members/b", "", nil, 200, `"state":"dead"`},
		{"GET", v1 + "members/" + id(3).String(), "", nil, 200, `"conflict":true`},
		{"GET", v1 + "members/" + id(1).String(), "", nil, 200, `"name":"a"`},
		{"GET", v1 + "members/nobody", "", nil, 404, `"reason":"unknown_member"`},
		{"GET", v1 + "self", "", nil, 200, `"root":"00000000000000ab"`},
		{"GET", v1 + "stats", "", nil, 200, `"drops":{"malformed":0,"replay":4}`},
		{"POST", v1 + "join", `{"addrs":["127.0.0.1:1","seed.example.org"]}`, nil, 200, `{"contacts":2}`},
		{"POST", v1 + "join", `{"addrs":[]}`, nil, 400, `"reason":"bad_request"`},
		{"POST", v1 + "join", `{"addrs":["a b"]}`, nil, 400, `"reason":"bad_request"`},
		{"POST", v1 + "join", `{"addrs":["unreachable"]}`, nil, 502, `"reason":"unreachable"`},
		{"POST", v1 + "retire", `{"member":"b"}`, nil, 200, `{}`},
		{"POST", v1 + "retire", `{"member":"a"}`, nil, 409, `"reason":"not_dead"`},
		{"POST", v1 + "retire", `{"member":"x"}`, nil, 404, `"reason":"unknown_member"`},
		{"GET", v1 + "meta", "", nil, 200, `[{"key":"raw","value":{"base64":"/w=="}},{"key":"zone","value":"eu"}]`},
		{"GET", v1 + "meta/zone", "", nil, 200, `{"key":"zone","value":"eu"}`},
		{"GET", v1 + "meta/nope", "", nil, 404, `"reason":"unknown_key"`},
		{"PUT", v1 + "meta/a%2Fb", `{"value":"x"}`, nil, 200, `{"durable":true}`},
		{"GET", v1 + "meta/a%2Fb", "", nil, 200, `"value":"x"`},
		{"DELETE", v1 + "meta/a%2Fb", "", nil, 200, `{"durable":true}`},
		{"DELETE", v1 + "meta/a%2Fb", "", nil, 404, `"reason":"unknown_key"`},
		{"GET", v1 + "meta-of/a", "", nil, 200, `"key":"zone"`},
		{"GET", v1 + "meta-of/b", "", nil, 200, `[]`},
		{"GET", v1 + "meta-of/x", "", nil, 404, `"reason":"unknown_member"`},
		{"GET", "/healthz", "", nil, 200, `{"status":"ok"}`},
		{"GET", "/readyz", "", nil, 200, `{"status":"ready"}`},
		{"GET", "/metrics", "", nil, 200, "metrics"},
		{"POST", v1 + "leave", `{}`, nil, 200, `{"asked":3,"acked":2}`},
		{"GET", "/healthz", "", nil, 503, `"reason":"closed"`},
		{"GET", "/readyz", "", nil, 503, `"reason":"not_ready"`},
	} {
		q.do(t, addr)
	}
	if got := strings.Join(f.joined, " "); got != "127.0.0.1:1 seed.example.org unreachable" {
		t.Errorf("joined %s", got)
	}
}

func TestBadRequestsAreExplained(t *testing.T) {
	_, addr := start(t, newFake(), nil)
	const v1 = api.Prefix
	put := func(body string, status int, want string) request {
		return request{"PUT", v1 + "meta/k", body, nil, status, want}
	}
	for _, q := range []request{
		put(`{"value":`, 400, `"reason":"bad_json"`),
		put(`{"value":"a"} {"value":"b"}`, 400, `more than one value`),
		put(`{"value":"a","cas":1}`, 400, `"reason":"bad_json"`),
		put(`{}`, 400, `value is missing`),
		put(`{"value":7}`, 400, `"reason":"bad_json"`),
		put(`[`+strings.Repeat(`[`, 20_000), 400, `"reason":"bad_json"`),
		put(`{"value":"`+strings.Repeat("x", 65<<10)+`"}`, 413, `"reason":"limit_value"`),
		put(`{"value":"`+strings.Repeat("x", api.BodyMax)+`"}`, 413, `"reason":"body_limit"`),
		{"PUT", v1 + "meta/" + strings.Repeat("k", 257), `{"value":"x"}`, nil, 400, `"reason":"bad_key"`},
		{"PUT", v1 + "meta/full", `{"value":"x"}`, nil, 400, `"reason":"limit_keys"`},
		{"PUT", v1 + "meta/broken", `{"value":"x"}`, nil, 500, `"reason":"internal"`},
		{"PUT", v1 + "meta/closed", `{"value":"x"}`, nil, 503, `"reason":"closed"`},
		{"PUT", v1 + "meta/k?cas=3", `{"value":"x"}`, nil, 501, `"reason":"needs_consensus"`},
		{"DELETE", v1 + "meta/zone?cas=3", "", nil, 501, "Raft"},
		{"PUT", v1 + "meta/k", `{"value":"x"}`, map[string]string{"If-Match": "3"}, 501, `"reason":"needs_consensus"`},
		{"PUT", v1 + "meta/k", `{"value":"x"}`, map[string]string{"Content-Type": "text/plain"}, 415, `"reason":"content_type"`},
		{"POST", v1 + "leave", "", nil, 415, `"reason":"content_type"`},
		{"POST", v1 + "leave", "", map[string]string{"Content-Type": "application/json"}, 400, `it is empty`},
		{"POST", v1 + "members", `{}`, nil, 405, `"reason":"method"`},
		{"GET", v1 + "leave", "", nil, 405, `"reason":"method"`},
		{"DELETE", "/metrics", "", nil, 405, `"reason":"method"`},
		{"GET", v1 + "nothing", "", nil, 404, `"reason":"not_found"`},
		{"GET", "/debug/pprof/", "", nil, 404, `"reason":"not_found"`},
		{"GET", "/", "", nil, 404, `"reason":"not_found"`},
	} {
		q.do(t, addr)
	}
}
