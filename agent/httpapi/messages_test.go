package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/agent/recent"
	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/seal"
)

// eventMax is the limit of the agents of these tests.
const eventMax = 100 << 10

// agentOf is a real node behind the interface, and a client of it.
func agentOf(t *testing.T, name string, seeds ...string) (*hearsay.Node, *client.Client, string) {
	t.Helper()
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Logger, cfg.Seeds, cfg.MaxEventSize = name, seal.DevRing(t.Name()), discard, seeds, eventMax
	node, err := hearsay.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	log, remember := recent.Keep(ctx, node)
	done := make(chan struct{})
	go func() {
		defer close(done)
		remember()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	_, addr := start(t, newFake(), func(c *Config) { c.Node, c.Recent, c.MessageMax = node, log, eventMax })
	c, err := client.New(addr, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return node, c, addr
}

// pair is two agents that know each other.
func pair(t *testing.T) (a, b *client.Client, addrs [2]string) {
	t.Helper()
	first, ca, addrA := agentOf(t, "a")
	joined := first.Events(t.Context())
	_, cb, addrB := agentOf(t, "b", first.Self().Addr.String())
	for e := range joined {
		if e.Kind == hearsay.Joined {
			break
		}
	}
	return ca, cb, [2]string{addrA, addrB}
}

func TestMessagesGoFromAgentToAgent(t *testing.T) {
	a, b, _ := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	large := []byte(strings.Repeat("\xff", eventMax))
	var got []api.Event
	for e, err := range b.Messages(ctx, "deploy") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) > 2 {
			break
		}
		if len(got) > 1 {
			continue
		}
		for _, m := range []client.Message{
			{Topic: "other", Payload: []byte("unheard")},
			{Topic: "deploy", Payload: []byte("not for b"), Ordered: true, Filter: api.Filter{Names: []string{"a*"}}},
			{Topic: "deploy", Payload: []byte("v2"), Ordered: true},
			{Topic: "deploy", Payload: large, Ordered: true, Wait: 10 * time.Second},
		} {
			report, err := a.Send(ctx, m)
			if err != nil || report.Live != 2 || report.ID == "" || m.Wait > 0 && (report.Reached != 2 || !report.Done) {
				t.Fatalf("%.20q: %+v, %v", m.Payload, report, err)
			}
		}
	}
	if got[0].Kind != api.KindResync || got[1].Kind != api.KindMessage {
		t.Errorf("the stream is %+v", got[:2])
	}
	m := got[1].Message
	if m.Topic != "deploy" || string(*m.Payload) != "v2" || m.OriginName != "a" || !m.Ordered || m.Seq == 0 || m.Hops != 1 {
		t.Errorf("arrives as %+v", m)
	}
	if string(*got[2].Message.Payload) != string(large) {
		t.Error("the large one is not what was sent")
	}
}

func TestRefusedMessages(t *testing.T) {
	_, c, addr := agentOf(t, "a")
	for want, m := range map[api.Reason]client.Message{
		api.ReasonMessageLimit: {Topic: "t", Payload: make([]byte, eventMax+1)},
		api.ReasonBadTopic:     {Topic: strings.Repeat("t", 129)},
		api.ReasonBadFilter:    {Topic: "t", Filter: api.Filter{Zone: strings.Repeat("z", 300)}},
	} {
		if _, err := c.Send(t.Context(), m); client.ReasonOf(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, q := range []request{
		{"PUT", api.Prefix + "messages/t?wait=soon", "x", nil, 400, "want a duration"},
		{"PUT", api.Prefix + "messages/t?wait=-1s", "x", nil, 400, "0 or more"},
		{"PUT", api.Prefix + "messages/t?ordered=banana", "x", nil, 400, "want true or false"},
		{"PUT", api.Prefix + "messages/t?nod=a", "x", nil, 400, "no such parameter"},
		{"PUT", api.Prefix + "messages/t?tag=x", "x", nil, 400, "want key=value"},
		{"PUT", api.Prefix + "messages/t?node=%5Ea.*%24", "x", nil, 400, "no regular expression"},
		{"PUT", api.Prefix + "messages/t?node=&ordered=false", "x", nil, 200, `"live":1`},
		{"GET", api.Prefix + "events?kind=bogus", "", nil, 400, "no such kind"},
		{"GET", api.Prefix + "messages/t", "", nil, 405, "method"},
		{"PUT", api.Prefix + "answers/x", "x", nil, 404, "unknown_query"},
		{"PUT", api.Prefix + "answers/" + id(1).String() + ".1.1", "x", nil, 404, "unknown_query"},
		{"POST", api.Prefix + "query", `{"topic":"","payload":""}`, nil, 400, "bad_topic"},
		{"POST", api.Prefix + "query", `{"topic":"t","payload":"","timeout_seconds":-1}`, nil, 400, "timeout_seconds"},
		{"POST", api.Prefix + "query", `{"topic":"t","payload":"","timeout_seconds":1e300}`, nil, 400, "timeout_seconds"},
	} {
		q.do(t, addr)
	}
}

func TestQueriesAreAnsweredThroughAgents(t *testing.T) {
	a, b, _ := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	asked := make(chan struct{})
	go func() {
		answered <- func() error {
			close(asked)
			for q, err := range b.Questions(ctx, "load") {
				if err != nil {
					return err
				}
				if q.AskerName != "a" || string(q.Payload) != "now?" || q.SecondsLeft <= 0 {
					return errors.New("asked otherwise")
				}
				if err := b.Answer(ctx, q.ID, []byte("0.7")); err != nil {
					return err
				}
			}
			return nil
		}()
	}()
	<-asked
	// b may not listen yet when the first query comes, so a asks again.
	for i := 0; ; i++ {
		var answers []api.Answer
		var stats *api.QueryStats
		for news, err := range a.Query(ctx, api.QueryRequest{
			Topic: "load", Payload: []byte("now?"), Filter: api.Filter{Names: []string{"b"}}, TimeoutSeconds: 0.5, WantAck: true,
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if news.Answer != nil {
				answers = append(answers, *news.Answer)
			}
			stats = news.Stats
		}
		if stats == nil || stats.Live != 2 || stats.Acks != 1 || stats.Answers != len(answers) {
			t.Fatalf("stats are %+v", stats)
		}
		if len(answers) == 0 && i < 20 {
			continue
		}
		if len(answers) != 1 || answers[0].Name != "b" || string(answers[0].Payload) != "0.7" {
			t.Errorf("answers are %+v", answers)
		}
		break
	}
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What follows is how Consul's tools fire events and follow them.

// answered is what a tool gets.
type answered struct {
	status int
	header http.Header
	text   string
}

func consul(t *testing.T, method, addr, path, body string) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(text)}
}

func TestUserEventsAreFiredAndListed(t *testing.T) {
	_, _, addr := agentOf(t, "a")
	list := func(query string) answered { return consul(t, "GET", addr, "/v1/event/list"+query, "") }
	empty := list("")
	if empty.text != "[]\n" || empty.header.Get("X-Consul-Index") != "1" || empty.header.Get("X-Consul-KnownLeader") != "true" {
		t.Fatalf("nothing is listed as %+v", empty)
	}
	if all := consul(t, "PUT", addr, "/v1/event/fire/all?node=&service=&tag=", ""); all.status != http.StatusOK {
		t.Errorf("empty filters: %+v", all)
	}
	if got := list("?name=all"); !strings.Contains(got.text, `"Name":"all"`) {
		t.Errorf("with empty filters: %+v", got)
	}
	woken := make(chan string, 1)
	go func() { woken <- list("?index=1&wait=1m&name=deploy").text }() // of no deploy yet
	fired := consul(t, "PUT", addr, "/v1/event/fire/deploy", "v2")
	const shape = `"Name":"deploy","Payload":"djI=","NodeFilter":"","ServiceFilter":"","TagFilter":"","Version":1,"LTime":2}`
	if fired.status != http.StatusOK || !strings.Contains(fired.text, shape) {
		t.Errorf("fired: %+v", fired)
	}
	if text := <-woken; text != "["+strings.TrimSpace(fired.text)+"]\n" {
		t.Errorf("the waiter got %q, want what was fired: %q", text, fired.text)
	}
	if other := list("?name=other"); other.text != "[]\n" {
		t.Errorf("another name lists %+v", other)
	}
	index, err := strconv.ParseUint(list("").header.Get("X-Consul-Index"), 10, 64)
	if err != nil || index <= 1 {
		t.Errorf("index %d, %v", index, err)
	}
	if none := consul(t, "PUT", addr, "/v1/event/fire/deploy", ""); !strings.Contains(none.text, `"Payload":null`) {
		t.Errorf("no payload is %+v", none)
	}
}

func TestUserEventsRefuseAsText(t *testing.T) {
	_, _, addr := agentOf(t, "a")
	for path, want := range map[string]string{
		"/v1/event/fire/" + strings.Repeat("t", 129): "topic",
		"/v1/event/fire/deploy?service=web":          "no catalogue of services",
		"/v1/event/fire/deploy?tag=x":                "no catalogue of services",
		"/v1/event/fire/deploy?node=%5En.*%24":       "no regular expression",
	} {
		got := consul(t, "PUT", addr, path, "x")
		if got.status != http.StatusBadRequest || !strings.Contains(got.text, want) || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	large := consul(t, "PUT", addr, "/v1/event/fire/deploy", strings.Repeat("x", eventMax+1))
	if large.status != http.StatusRequestEntityTooLarge || large.header.Get(api.SizeHeader) != strconv.Itoa(eventMax) {
		t.Errorf("too much: %+v", large)
	}
	for _, query := range []string{"index=x", "index=-1", "index=2&wait=soon", "wait=x"} {
		if got := consul(t, "GET", addr, "/v1/event/list?"+query, ""); got.status != http.StatusBadRequest {
			t.Errorf("%s: %+v", query, got)
		}
	}
}
