package httpapi

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// DNS rebinding: a page of evil.example whose name resolves to this host.
func TestHostMustNameThisHost(t *testing.T) {
	_, addr := start(t, newFake(), nil)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "LOCALHOST:" + port, "localhost.:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80", "web-1.example.org:" + port, "web-1.example.org."} {
		request{"GET", "/healthz", "", map[string]string{"Host": host}, 200, "ok"}.do(t, addr)
	}
	for _, host := range []string{"evil.example", "evil.example:" + port, "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[2001:db8::1]:80", "web-2.example.org", "a"} {
		request{"GET", api.Prefix + "members", "", map[string]string{"Host": host}, 421, `"reason":"host"`}.do(t, addr)
		request{"POST", api.Prefix + "leave", "{}", map[string]string{"Host": host}, 421, `"reason":"host"`}.do(t, addr)
	}
}

// Without a Host header, as HTTP/1.0 allows, nothing names this host.
func TestMissingHostIsRefused(t *testing.T) {
	_, addr := start(t, newFake(), nil)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestBrowsersMayNotWriteForOtherSites(t *testing.T) {
	f := newFake()
	_, addr := start(t, f, nil)
	for _, h := range []map[string]string{
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
		{"Origin": "http://localhost:1"},
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			request{method, api.Prefix + "leave", "{}", h, 403, `"reason":"cross_origin"`}.do(t, addr)
		}
	}
	if f.left {
		t.Error("the node was made to leave")
	}
	request{"POST", api.Prefix + "retire", `{"member":"b"}`, map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, "{}"}.do(t, addr)
	request{"POST", api.Prefix + "retire", `{"member":"b"}`, map[string]string{"Origin": "http://" + addr}, 200, "{}"}.do(t, addr)
	request{"OPTIONS", api.Prefix + "leave", "", map[string]string{"Origin": "https://evil.example"}, 405, `"reason":"method"`}.do(t, addr)
}

func TestTokenGuardsWrites(t *testing.T) {
	s, addr := start(t, newFake(), nil)
	s.SetToken("a-token-of-some-length")
	retire := func(header, value string, status int, want string) {
		t.Helper()
		request{"POST", api.Prefix + "retire", `{"member":"b"}`, map[string]string{header: value}, status, want}.do(t, addr)
	}
	retire("X-None", "", 401, `"reason":"token_required"`)
	retire("Authorization", "Bearer wrong", 401, `"reason":"token_required"`)
	retire("Authorization", "Basic a-token-of-some-length", 401, `"reason":"token_required"`)
	retire(api.TokenHeader, "", 401, `"reason":"token_required"`)
	retire("Authorization", "Bearer a-token-of-some-length", 200, "{}")
	retire("Authorization", "bearer a-token-of-some-length", 200, "{}")
	retire(api.TokenHeader, "a-token-of-some-length", 200, "{}")
	request{"GET", api.Prefix + "members", "", nil, 200, `"a"`}.do(t, addr)
	s.SetToken("another-token-of-some-length")
	retire("Authorization", "Bearer a-token-of-some-length", 401, `"reason":"token_required"`)
	s.SetToken("")
	retire("X-None", "", 200, "{}")
}

func TestRequiredTokenGuardsReads(t *testing.T) {
	s, addr := start(t, newFake(), func(c *Config) { c.RequireToken = true })
	read := request{"GET", api.Prefix + "members", "", nil, 401, `"reason":"token_required"`}
	read.do(t, addr)
	s.SetToken("a-token-of-some-length")
	read.do(t, addr)
	request{"GET", "/metrics", "", nil, 401, `"reason":"token_required"`}.do(t, addr)
	request{"GET", "/healthz", "", nil, 200, "ok"}.do(t, addr)
	request{"GET", "/readyz", "", nil, 200, "ready"}.do(t, addr)
	request{"GET", "/metrics", "", map[string]string{"Authorization": "Bearer a-token-of-some-length"}, 200, "metrics"}.do(t, addr)
}

// from is a request as it arrives at 10.0.0.1 from another address.
func from(remote, method, path string) *http.Request {
	r := httptest.NewRequest(method, "http://10.0.0.1:8500"+path, strings.NewReader(`{"member":"b"}`))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = remote
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 8500}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
}

func TestWithoutTokenOnlyThisHostWrites(t *testing.T) {
	f := newFake()
	s := New(Config{Node: f, Agent: f, Metrics: http.NotFoundHandler(), Logger: discard, Pprof: true})
	for _, tt := range []struct {
		remote, method, path string
		status               int
	}{
		{"10.0.0.2:5", "GET", api.Prefix + "members", 200},
		{"10.0.0.2:5", "POST", api.Prefix + "retire", 403},
		{"10.0.0.1:5", "POST", api.Prefix + "retire", 200},
		{"127.0.0.1:5", "POST", api.Prefix + "retire", 200},
		{"[::ffff:10.0.0.1]:5", "POST", api.Prefix + "retire", 200},
		{"nonsense", "POST", api.Prefix + "retire", 403},
		{"10.0.0.2:5", "GET", "/debug/pprof/", 403},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, from(tt.remote, tt.method, tt.path))
		if w.Code != tt.status {
			t.Errorf("%s %s from %s: %d, want %d", tt.method, tt.path, tt.remote, w.Code, tt.status)
		}
	}
}

func TestProfilesAreServedWhenAsked(t *testing.T) {
	_, addr := start(t, newFake(), func(c *Config) { c.Pprof = true })
	request{"GET", "/debug/pprof/goroutine?debug=1", "", nil, 200, "goroutine profile"}.do(t, addr)
}

func TestLongHeadersAreRefused(t *testing.T) {
	_, addr := start(t, newFake(), nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 3*headerMax))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestTimeoutsAreSet(t *testing.T) {
	s := New(Config{Metrics: http.NotFoundHandler(), Logger: discard})
	h := &s.http
	if h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= joinTimeout || h.IdleTimeout <= 0 || h.MaxHeaderBytes != headerMax {
		t.Errorf("limits are %v %v %v %v %d", h.ReadHeaderTimeout, h.ReadTimeout, h.WriteTimeout, h.IdleTimeout, h.MaxHeaderBytes)
	}
}

func TestConnectionsOfOneAddressAreCapped(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Bound(inner)
	defer l.Close()
	accepted := make(chan net.Conn, connsPerIP+1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	var ours, theirs []net.Conn
	for range connsPerIP {
		ours = append(ours, dial())
		theirs = append(theirs, <-accepted)
	}
	extra := dial()
	if n, err := extra.Read(make([]byte, 1)); err == nil {
		t.Errorf("connection %d is served %d bytes", connsPerIP+1, n)
	}
	theirs[0].Close()
	theirs[0].Close() // gives its place back once
	again := dial()
	theirs[0] = <-accepted
	for _, c := range append(append(ours, theirs...), extra, again) {
		c.Close()
	}
	l.Close()
	<-ended
	if b := l.(*boundListener); b.total != 0 || len(b.perIP) != 0 {
		t.Errorf("%d connections are counted after all were closed, %v", b.total, b.perIP)
	}
}
