package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

var discard = slog.New(slog.DiscardHandler)

func TestEventsOpenWithAResync(t *testing.T) {
	f := newFake()
	_, addr := start(t, f, nil)
	c, err := client.New(addr, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	send := []hearsay.Event{
		{Kind: hearsay.FactSet, Time: at, Member: f.Self(), Key: "zone", Value: []byte{}, Hops: 2},
		{Kind: hearsay.Died, Time: at, Member: f.Members()[1], By: id(1), Reason: "suspicion ran out"},
		{Kind: hearsay.Resync, Time: at, Count: 9},
	}
	var got []api.Event
	for e, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) > len(send) {
			break
		}
		f.events <- send[len(got)-1]
	}
	if got[0].Kind != api.KindResync || got[0].Member != nil {
		t.Errorf("the stream opens with %+v", got[0])
	}
	if e := got[1]; e.Kind != "fact-set" || e.Member.Name != "a" || e.Value == nil || e.Hops != 2 || !e.Time.Equal(at) {
		t.Errorf("fact-set arrives as %+v", e)
	}
	if e := got[2]; e.Kind != "died" || e.By != id(1).String() || e.Reason == "" || e.Value != nil {
		t.Errorf("died arrives as %+v", e)
	}
	if e := got[3]; e.Kind != api.KindResync || e.Count != 9 {
		t.Errorf("resync arrives as %+v", e)
	}
}

// A browser's EventSource needs the form of section 9.2 of the HTML standard.
func TestEventsAreServerSentEvents(t *testing.T) {
	f := newFake()
	_, addr := start(t, f, nil)
	resp, err := http.Get("http://" + addr + api.Prefix + "events") //nolint:noctx // ends with the server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("type is %q", kind)
	}
	r := bufio.NewReader(resp.Body)
	for _, want := range []string{"event: resync\n", `data: {"kind":"resync","time":"`, "\n"} {
		if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("line %q, %v; want %q", line, err, want)
		}
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	f := newFake()
	s, addr := start(t, f, nil)
	resp, err := http.Get("http://" + addr + api.Prefix + "events") //nolint:noctx // ends with the server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-f.subs
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ends with %v", err)
	}
}

func TestStreamEndsWithTheNode(t *testing.T) {
	f := newFake()
	_, addr := start(t, f, nil)
	close(f.events)
	resp, err := http.Get("http://" + addr + api.Prefix + "events") //nolint:noctx // ends with the node
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || strings.Count(string(text), "data:") != 1 {
		t.Errorf("the stream is %q, %v", text, err)
	}
}
