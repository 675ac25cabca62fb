package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/client/api"
)

func TestAddressesAreReadOrRefused(t *testing.T) {
	t.Setenv(AddrVariable, "127.0.0.9:1")
	tests := []struct{ addr, want string }{
		{"", "127.0.0.9:1"},
		{"127.0.0.1:8500", "127.0.0.1:8500"},
		{"http://node-1:80/", "node-1:80"},
		{"https://node-1", "node-1"},
		{"[::1]:8500", "[::1]:8500"},
		{":8500", "127.0.0.1:8500"},
		{"0.0.0.0:8500", "127.0.0.1:8500"},
		{"[::]:8500", "[::1]:8500"},
		{"node-1", ""},
		{"127.0.0.1:", ""},
		{"ftp://node-1:80", ""},
		{"http://node-1:80/v1", ""},
		{"http://user@node-1:80", ""},
		{"a b:80", ""},
	}
	for _, tt := range tests {
		c, err := New(tt.addr, Options{})
		switch {
		case tt.want == "" && !errors.Is(err, ErrAddr):
			t.Errorf("New(%q) = %v, want ErrAddr", tt.addr, err)
		case tt.want != "" && err != nil:
			t.Errorf("New(%q): %v", tt.addr, err)
		case tt.want != "" && c.Addr() != tt.want:
			t.Errorf("New(%q) calls %s, want %s", tt.addr, c.Addr(), tt.want)
		}
	}
}

func TestAddressDefaults(t *testing.T) {
	t.Setenv(AddrVariable, "")
	c, err := New("", Options{})
	if err != nil || c.Addr() != DefaultAddr {
		t.Errorf("New calls %v, %v; want %s", c, err, DefaultAddr)
	}
}

// serve returns a client of a server that answers by handler.
func serve(t *testing.T, opts Options, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := New(server.URL, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func TestRefusalsKeepStatusAndReason(t *testing.T) {
	tests := []struct {
		status      int
		kind, body  string
		wantReason  api.Reason
		wantMessage string
	}{
		{404, "application/json", `{"error":"no such member: x","reason":"unknown_member"}`, api.ReasonUnknownMember, "no such member: x"},
		{404, "application/json; charset=utf-8", `{"error":"e","reason":"r"}`, "r", "e"},
		{502, "text/html", `<html>`, "", "agent answered 502 Bad Gateway"},
		{500, "application/json", `{`, "", "agent answered 500 Internal Server Error"},
		{302, "text/html", ``, "", "agent answered 302 Found"},
	}
	for _, tt := range tests {
		c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.kind)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body) //nolint:errcheck // the client's view is what counts
		})
		_, err := c.Members(t.Context())
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Status != tt.status || ReasonOf(err) != tt.wantReason || err.Error() != tt.wantMessage {
			t.Errorf("%d %s: got %#v, want reason %q and %q", tt.status, tt.body, err, tt.wantReason, tt.wantMessage)
		}
	}
}

func TestKeysTravelAsOneSegment(t *testing.T) {
	for _, key := range []string{"zone", "a/b", "..", ".", "a b%2F?x#y", "é\n\x00"} {
		var got string
		mux := http.NewServeMux()
		mux.HandleFunc("PUT /v1/hearsay/meta/{key}", func(w http.ResponseWriter, r *http.Request) {
			got = r.PathValue("key")
			io.WriteString(w, `{"durable":true}`) //nolint:errcheck // the client's view is what counts
		})
		c := serve(t, Options{}, mux.ServeHTTP)
		report, err := c.SetMeta(t.Context(), key, nil)
		if err != nil || got != key || !report.Durable {
			t.Errorf("key %q arrives as %q: %+v, %v", key, got, report, err)
		}
	}
}

func TestTokenIsSentAndAnswersMustBeJSON(t *testing.T) {
	c := serve(t, Options{Token: "s3cret"}, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer s3cret" {
			t.Errorf("Authorization is %q", got)
		}
		io.WriteString(w, "pong") //nolint:errcheck // the client's view is what counts
	})
	if _, err := c.Info(t.Context()); err == nil || !strings.Contains(err.Error(), "not understood") {
		t.Errorf("Info = %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Members(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), addr) {
		t.Errorf("Members = %v, want ErrUnavailable at %s", err, addr)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Members(ended); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("Members with an ended context = %v", err)
	}
}

func TestEventsSkipWhatIsNotData(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, ": hello\n\nevent: resync\ndata: {\"kind\":\"resync\"}\n\n: still here\n\n"+
			"event: joined\ndata: {\"kind\":\"joined\",\"member\":{\"name\":\"b\"},\"new\":1}\n\n")
	})
	var kinds []string
	var last error
	for e, err := range c.Events(t.Context()) {
		kinds, last = append(kinds, e.Kind), err
	}
	if want := []string{"resync", "joined", ""}; !slices.Equal(kinds, want) || !errors.Is(last, io.ErrUnexpectedEOF) {
		t.Errorf("events %q and %v, want %q and the end of the stream", kinds, last, want)
	}
}

func TestEventsEndWithTheirContextAndReader(t *testing.T) {
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: {\"kind\":\"resync\"}\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	for _, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range c.Events(ctx) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error is %v", last)
	}
}
