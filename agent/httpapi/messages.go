package httpapi

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// receiptMax bounds the wait for a receipt: below writeTimeout.
const receiptMax = 20 * time.Second

// send publishes the body of a request as a message. With ?wait= it answers when
// all that were live have it, or that time is over.
func (s *Server) send(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := known(q, "wait", "ordered", "node", "tag", "zone"); err != nil {
		return err
	}
	wait, err := durationOf(q.Get("wait"), 0, receiptMax)
	if err != nil {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest, "wait: "+err.Error())
	}
	ordered, err := flagOf(q, "ordered")
	if err != nil {
		return err
	}
	to, err := filterOf(q)
	if err != nil {
		return err
	}
	payload, err := s.payload(w, r)
	if err != nil {
		return err
	}
	receipt, err := s.cfg.Node.Broadcast(r.Context(), hearsay.Message{
		Topic: r.PathValue("topic"), Payload: payload, Ordered: ordered, Filter: to,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	// Without an end in time the progress so far is the answer.
	p, err := receipt.Wait(ctx)
	if errors.Is(err, hearsay.ErrClosed) {
		return err
	}
	return ok(w, api.SendReport{
		ID: receipt.ID().String(), Reached: p.Reached, Live: p.Live, ElapsedSeconds: p.Elapsed.Seconds(), Done: p.Done,
	})
}

// payload reads a body that is no JSON.
func (s *Server) payload(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	payload, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		w.Header().Set(api.SizeHeader, strconv.FormatInt(tooLong.Limit, 10))
		return nil, refuse(http.StatusRequestEntityTooLarge, api.ReasonMessageLimit,
			"body is over "+strconv.FormatInt(tooLong.Limit, 10)+" bytes")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, api.ReasonBadRequest, "body ends early")
	}
	return payload, nil
}

// known refuses parameters with other names: a mistyped filter would be for all.
func known(q url.Values, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(names, name) {
			return refuse(http.StatusBadRequest, api.ReasonBadRequest,
				"no such parameter: "+quote(name)+"; there are "+strings.Join(names, ", "))
		}
	}
	return nil
}

// flagOf reads a parameter that is true, false, or bare for true.
func flagOf(q url.Values, name string) (bool, error) {
	text := q.Get(name)
	if text == "" {
		return q.Has(name), nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, refuse(http.StatusBadRequest, api.ReasonBadRequest, name+": want true or false, not "+quote(text))
	}
	return on, nil
}

// durationOf reads a duration from a parameter.
func durationOf(text string, none, most time.Duration) (time.Duration, error) {
	if text == "" {
		return none, nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, errors.New("want a duration such as 1.5s")
	case d < 0:
		return 0, errors.New("want a duration of 0 or more")
	}
	return min(d, most), nil
}
