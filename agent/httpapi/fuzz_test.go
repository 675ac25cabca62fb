package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// No body makes an endpoint fail, and what is refused is refused in JSON.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"addrs":["127.0.0.1:7946"]}`, `{"member":"b"}`, `{"value":"x"}`, `{"value":{"base64":"/w=="}}`, `{}`, `null`, `[]`,
		`{"value":"\ud800"}`, `{"addrs":null}`, `{"addrs":["srv:_a._b.c"]}`, `{"VALUE":"x"}`,
	} {
		for i := range uint8(4) {
			f.Add(i, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, endpoint uint8, body []byte) {
		node := newFake()
		s := New(Config{Node: node, Agent: node, Metrics: http.NotFoundHandler(), Logger: discard})
		to := [...]struct{ method, path string }{{"POST", "join"}, {"POST", "retire"}, {"PUT", "meta/k"}, {"POST", "leave"}}[endpoint%4]
		r := httptest.NewRequest(to.method, "http://localhost"+api.Prefix+to.path, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200, 400, 404, 409, 413, 502:
		default:
			t.Errorf("%s %s %q: %d", to.method, to.path, body, w.Code)
		}
		if kind := w.Header().Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s %s %q: answer as %q", to.method, to.path, body, kind)
		}
	})
}
