package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// eventTimeout is how long one event may take to be written. A reader that is
// slower for so long holds the buffers of the system and gets nothing done.
const eventTimeout = 10 * time.Second

// choice is which events a reader asks for.
type choice struct {
	kinds  []string // none: all
	topics []string // of messages; none: all
}

// choiceOf reads ?kind= and ?topic=, both repeated or with commas. A topic alone
// asks for messages alone.
func choiceOf(q url.Values) choice {
	var c choice
	for _, list := range q["kind"] {
		c.kinds = append(c.kinds, strings.Split(list, ",")...)
	}
	if c.topics = q["topic"]; len(c.topics) > 0 && len(c.kinds) == 0 {
		c.kinds = []string{api.KindMessage}
	}
	return c
}

// isKind reports whether events of a kind can come.
func isKind(kind string) bool {
	if kind == api.KindMessage || kind == api.KindLagged || kind == api.KindMissed {
		return true
	}
	for k := hearsay.Joined; k <= hearsay.Resync; k++ {
		if k.String() == kind {
			return true
		}
	}
	return false
}

func (c *choice) wants(kind string) bool {
	switch kind {
	case api.KindResync:
		return true
	case api.KindLagged, api.KindMissed:
		kind = api.KindMessage
	}
	return len(c.kinds) == 0 || slices.Contains(c.kinds, kind)
}

// events streams what happens as server-sent events (WHATWG HTML section 9.2):
// a resync first, and wherever the reader was too slow.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	wanted := choiceOf(r.URL.Query())
	for _, kind := range wanted.kinds {
		if !isKind(kind) {
			return refuse(http.StatusBadRequest, api.ReasonBadRequest, "no such kind of event: "+quote(kind))
		}
	}
	return s.stream(w, r, func(ctx context.Context, events chan<- any) {
		var pumps sync.WaitGroup
		defer pumps.Wait()
		send := func(e api.Event) bool {
			if !wanted.wants(e.Kind) {
				return true
			}
			select {
			case events <- e:
				return true
			case <-ctx.Done():
				return false
			}
		}
		happenings := s.cfg.Node.Events(ctx)
		if wanted.wants(api.KindMessage) {
			messages := s.cfg.Node.Messages(ctx, wanted.topics...)
			pumps.Go(func() {
				for m := range messages {
					if !send(eventOfMessage(&m)) {
						return
					}
				}
			})
		}
		if !send(api.Event{Kind: api.KindResync, Time: time.Now().UTC().Round(0)}) {
			return
		}
		for e := range happenings {
			if !send(eventOf(&e)) {
				return
			}
		}
	})
}

// stream answers with the events that a producer sends until it returns, or
// until the reader is gone, which ends its context. An event is written as JSON,
// and named if it is an [api.Event].
func (s *Server) stream(w http.ResponseWriter, r *http.Request, produce func(context.Context, chan<- any)) error {
	ctx, cancel := context.WithCancel(r.Context())
	ended := make(chan struct{})
	defer func() {
		cancel()
		<-ended
	}()
	events := make(chan any)
	go func() {
		defer close(ended)
		defer close(events)
		produce(ctx, events)
	}()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that know it pass events on at once
	stream := eventStream{w: w, control: http.NewResponseController(w)}
	if err := stream.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.counter.streams.Add(1)
	defer s.counter.streams.Add(-1)
	stream.run(ctx, events)
	return nil
}

// eventStream writes events. Its errors mean that the reader is gone.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *eventStream) run(ctx context.Context, events <-chan any) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	err := s.flush("") // the headers tell that the stream is open
	for err == nil {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			err = s.write(e)
		case <-alive.C:
			err = s.flush(": alive\n\n")
		case <-ctx.Done():
			return
		}
	}
}

func (s *eventStream) write(e any) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	name := ""
	if e, named := e.(api.Event); named {
		name = "event: " + e.Kind + "\n"
	}
	return s.flush(fmt.Sprintf("%sdata: %s\n\n", name, text))
}

func (s *eventStream) flush(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(eventTimeout)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

func eventOf(e *hearsay.Event) api.Event {
	out := api.Event{
		Kind: e.Kind.String(), Time: e.Time.UTC().Round(0), Key: e.Key, Hops: e.Hops, By: idOf(e.By),
		Reason: e.Reason, Count: e.Count, ElapsedSeconds: e.Elapsed.Seconds(),
	}
	if !e.Member.ID.IsZero() {
		m := memberOf(&e.Member)
		out.Member = &m
	}
	if e.Kind == hearsay.FactSet {
		value := api.Bytes(e.Value)
		out.Value = &value
	}
	return out
}

func eventOfMessage(m *hearsay.Message) api.Event {
	if m.Lagged > 0 {
		return api.Event{Kind: api.KindLagged, Time: time.Now().UTC().Round(0), Count: m.Lagged}
	}
	out := api.Event{Kind: api.KindMessage, Time: m.Time.UTC().Round(0), Message: messageOf(m)}
	if m.Missed > 0 {
		out.Kind, out.Count, out.Message.Payload = api.KindMissed, m.Missed, nil
	}
	return out
}

func messageOf(m *hearsay.Message) *api.Message {
	payload := api.Bytes(m.Payload)
	out := &api.Message{
		Topic: m.Topic, Payload: &payload, Ordered: m.Ordered, Origin: idOf(m.OriginID), OriginName: m.OriginName,
		Epoch: m.Epoch, Seq: m.Seq, Hops: m.Hops, Time: m.Time.UTC().Round(0),
	}
	if m.Seq > 0 {
		out.ID = m.ID().String()
	}
	return out
}
