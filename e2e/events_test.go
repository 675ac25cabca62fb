//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/internal/netlab"
)

const (
	eventHosts = 25
	// eventSize is the largest event by default.
	eventSize = 4 << 20
	// egressMax is how many times its payload one node may send at most. The tree
	// makes the average one; three children, and what they lose, make it more for
	// some.
	egressMax = 8
	// eventLimit: until everybody has an event. A stream that loses 5 % of its
	// segments waits for many of them.
	eventLimit = time.Minute
)

// TestEventsOverLoss tells things to 25 agents, each on a host of its own, over a
// network that loses 5 % of all packets: a large event, then many small ones
// from several of them at once.
func TestEventsOverLoss(t *testing.T) {
	netlab.Require(t)
	lab, err := netlab.New(t, eventHosts)
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Loss(5); err != nil {
		t.Fatal(err)
	}
	plans := members(t, eventHosts)
	for i := range plans {
		plans[i].host = lab.Host(i)
		plans[i].bind, plans[i].web = at(lab.Host(i), gossipPort), fmt.Sprintf("127.0.0.1:%d", webPort)
	}
	agents := cluster(t, plans)
	large(t, agents)
	small(t, agents)
	for _, a := range agents {
		if n := deaths(t, a); n != 0 {
			t.Errorf("%s has seen %d deaths", a.plan.name, n)
		}
	}
}

// large sends one event of the largest size.
func large(t *testing.T, agents []*agent) {
	t.Helper()
	payload := make([]byte, eventSize)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(payload) // never fails
	tell(t, agents[3], "large", payload, false)
	missing := agents
	took := await(t, eventLimit, "everybody has the large event", func() error {
		var errs []error
		var still []*agent
		for _, a := range missing {
			switch events := told(t, a, "large"); {
			case len(events) == 1 && bytes.Equal(events[0].Payload, payload):
				continue
			case len(events) > 0:
				t.Fatalf("%s was told something else", a.plan.name)
			}
			still = append(still, a)
			errs = append(errs, fmt.Errorf("%s lacks it", a.plan.name))
		}
		missing = still
		return errors.Join(errs...)
	})
	most, all := 0.0, 0.0
	for _, a := range agents {
		sent := a.metric(t, "hearsay_events_sent_bytes_total")
		most, all = max(most, sent), all+sent
	}
	t.Logf("4 MiB at all of %d after %v; sent %.2f times its size by a node, at most %.2f times",
		len(agents), took, all/float64(len(agents))/eventSize, most/eventSize)
	if most > egressMax*eventSize {
		t.Errorf("one node sent %.2f times the payload", most/eventSize)
	}
}

// small sends ordered events from several agents at once.
func small(t *testing.T, agents []*agent) {
	t.Helper()
	const senders, each = 5, 40 // an agent lists the last 256
	for i := range each {
		for _, a := range agents[:senders] {
			tell(t, a, "small", fmt.Appendf(nil, "%s %d", a.plan.name, i), true)
		}
	}
	took := await(t, eventLimit, "everybody has all small events", func() error {
		var errs []error
		for _, a := range agents {
			next := make(map[string]int)
			for _, e := range told(t, a, "small") {
				var name string
				var i int
				if _, err := fmt.Sscanf(string(e.Payload), "%s %d", &name, &i); err != nil || i != next[name] {
					t.Fatalf("%s: %q comes after %d others of its origin", a.plan.name, e.Payload, next[name])
				}
				next[name]++
			}
			for _, sender := range agents[:senders] {
				if n := next[sender.plan.name]; n != each {
					errs = append(errs, fmt.Errorf("%s has %d of %s", a.plan.name, n, sender.plan.name))
				}
			}
		}
		return errors.Join(errs...)
	})
	t.Logf("%d small events at all of %d, in order, %v after the last was sent", senders*each, len(agents), took)
}

func tell(t *testing.T, a *agent, topic string, payload []byte, ordered bool) {
	t.Helper()
	report, err := ask(func(ctx context.Context) (api.SendReport, error) {
		return a.Send(ctx, client.Message{Topic: topic, Payload: payload, Ordered: ordered})
	})
	if err != nil || report.ID == "" {
		t.Fatalf("event of %s: %+v, %v", a.plan.name, report, err)
	}
}

// told returns the last events on a topic that reached an agent.
func told(t *testing.T, a *agent, topic string) (events []api.UserEvent) {
	t.Helper()
	status, body := a.fetch(t, "/v1/event/list?name="+topic)
	if err := json.Unmarshal([]byte(body), &events); err != nil || status != http.StatusOK {
		t.Fatalf("events of %s: %d, %v", a.plan.name, status, err)
	}
	return events
}
