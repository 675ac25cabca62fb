package httpapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/agent/recent"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// The endpoints of this file are those of Consul's event interface, for tools
// that were written for it. Their errors are text.

// Bounds of a blocking read, as tools expect them.
const (
	blockDefault = 5 * time.Minute
	blockMax     = 10 * time.Minute
	blockSlack   = 16 // up to one part in so many is added, lest all waiters return at once
)

// plainly answers errors as one line of text.
func plainly(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := h(w, r); err != nil {
			refused := refusalOf(err)
			http.Error(w, refused.Problem.Error, refused.status)
		}
		return nil
	}
}

// fire publishes the body of a request as a message on the topic of its path.
func (s *Server) fire(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("service") != "" || q.Get("tag") != "" {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest,
			"this agent keeps no catalogue of services by which to choose; node filters names, and "+
				api.Prefix+"messages filters metadata")
	}
	names, err := namesOf(q)
	if err != nil {
		return err
	}
	payload, err := s.payload(w, r)
	if err != nil {
		return err
	}
	m := hearsay.Message{Topic: r.PathValue("name"), Payload: payload, Filter: hearsay.Filter{Names: names}}
	receipt, err := s.cfg.Node.Broadcast(r.Context(), m)
	if err != nil {
		return err
	}
	id := receipt.ID()
	m.OriginID, m.Epoch, m.Seq = id.Origin, id.Epoch, id.Seq
	return ok(w, userEventOf(&m))
}

// fired lists the last messages that reached this node, oldest first.
func (s *Server) fired(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	index, wait, err := blocking(q)
	if err != nil {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest, err.Error())
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	if err := setDeadline(w, time.Now().Add(wait+writeTimeout)); err != nil {
		return err
	}
	for {
		messages, changed := s.cfg.Recent.List(q.Get("name"))
		now := recent.Index(messages)
		if now == index {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
			}
		}
		out := make([]api.UserEvent, len(messages))
		for i := range messages {
			out[i] = userEventOf(&messages[i])
		}
		h := w.Header()
		h.Set("X-Consul-Index", strconv.FormatUint(now, 10))
		h.Set("X-Consul-LastContact", "0")
		h.Set("X-Consul-KnownLeader", "true")
		return ok(w, out)
	}
}

// blocking reads ?index= and ?wait=. The wait is 0 without an index.
func blocking(q url.Values) (index uint64, wait time.Duration, err error) {
	if text := q.Get("index"); text != "" {
		if index, err = strconv.ParseUint(text, 10, 64); err != nil {
			return 0, 0, invalid("index", text)
		}
	}
	wait, err = durationOf(q.Get("wait"), blockDefault, blockMax)
	if err != nil {
		return 0, 0, invalid("wait", q.Get("wait"))
	}
	if index == 0 {
		return 0, 0, nil
	}
	return index, wait + rand.N(wait/blockSlack+1), nil
}

func invalid(parameter, text string) error {
	return errors.New("invalid " + parameter + ": " + quote(text))
}

func userEventOf(m *hearsay.Message) api.UserEvent {
	e := api.UserEvent{ID: recent.UUIDOf(m.ID()).String(), Name: m.Topic, Version: 1, LTime: m.Seq}
	if len(m.Payload) > 0 {
		e.Payload = m.Payload
	}
	if len(m.Filter.Names) > 0 {
		e.NodeFilter = m.Filter.Names[0]
	}
	return e
}
