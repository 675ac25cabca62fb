package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// eventTimeout is how long one event may take to be written. A reader that is
// slower for so long holds the buffers of the system and gets nothing done.
const eventTimeout = 10 * time.Second

// events streams what happens as server-sent events (WHATWG HTML section 9.2):
// a resync first, and wherever the reader was too slow.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	pumped := make(chan struct{})
	defer func() {
		cancel()
		<-pumped
	}()
	events := make(chan hearsay.Event)
	seq := s.cfg.Node.Events(ctx)
	go func() {
		defer close(pumped)
		defer close(events)
		for e := range seq {
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that know it pass events on at once
	stream := eventStream{w: w, control: http.NewResponseController(w)}
	if err := stream.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	stream.run(ctx, events)
	return nil
}

// eventStream writes events. Its errors mean that the reader is gone.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *eventStream) run(ctx context.Context, events <-chan hearsay.Event) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	err := s.write(api.Event{Kind: api.KindResync, Time: time.Now().UTC().Round(0)})
	for err == nil {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			err = s.write(eventOf(&e))
		case <-alive.C:
			err = s.flush(": alive\n\n")
		case <-ctx.Done():
			return
		}
	}
}

func (s *eventStream) write(e api.Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.flush(fmt.Sprintf("event: %s\ndata: %s\n\n", e.Kind, text))
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
