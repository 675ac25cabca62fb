package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// handler answers a request, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		writeError(w, err)
	}
}

// refusal is an error that knows its status.
type refusal struct {
	status int
	api.Problem
}

func (r *refusal) Error() string { return r.Problem.Error }

func refuse(status int, reason api.Reason, message string) error {
	return &refusal{status, api.Problem{Error: message, Reason: reason}}
}

// sentinels are the errors of the node that a caller can do something about.
var sentinels = []struct {
	err    error
	status int
	reason api.Reason
}{
	{hearsay.ErrUnknownMember, http.StatusNotFound, api.ReasonUnknownMember},
	{hearsay.ErrUnknownKey, http.StatusNotFound, api.ReasonUnknownKey},
	{hearsay.ErrNotDead, http.StatusConflict, api.ReasonNotDead},
	{hearsay.ErrKey, http.StatusBadRequest, api.ReasonBadKey},
	{hearsay.ErrKeys, http.StatusBadRequest, api.ReasonKeysLimit},
	{hearsay.ErrValue, http.StatusRequestEntityTooLarge, api.ReasonValueLimit},
	{hearsay.ErrTopic, http.StatusBadRequest, api.ReasonBadTopic},
	{hearsay.ErrFilter, http.StatusBadRequest, api.ReasonBadFilter},
	{hearsay.ErrExpired, http.StatusNotFound, api.ReasonUnknownQuery},
	{hearsay.ErrSize, http.StatusRequestEntityTooLarge, api.ReasonMessageLimit},
	{hearsay.ErrBackpressure, http.StatusTooManyRequests, api.ReasonBackpressure},
	{hearsay.ErrConsensus, http.StatusNotImplemented, api.ReasonNeedsConsensus},
	{hearsay.ErrLeft, http.StatusServiceUnavailable, api.ReasonClosed},
	{hearsay.ErrClosed, http.StatusServiceUnavailable, api.ReasonClosed},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, api.ReasonTimeout},
}

// refusalOf gives an error its status and reason.
func refusalOf(err error) *refusal {
	var known *refusal
	if errors.As(err, &known) {
		return known
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return &refusal{s.status, api.Problem{Error: err.Error(), Reason: s.reason}}
		}
	}
	return &refusal{http.StatusInternalServerError, api.Problem{Error: err.Error(), Reason: api.ReasonInternal}}
}

func writeError(w http.ResponseWriter, err error) {
	r := refusalOf(err)
	writeJSON(w, r.status, r.Problem)
}

// writeJSON ends an answer. A client that is gone by then has nobody to tell.
func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // none of our shapes can fail
		status, text = http.StatusInternalServerError, []byte(`{"error":"answer cannot be encoded","reason":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func ok(w http.ResponseWriter, body any) error {
	writeJSON(w, http.StatusOK, body)
	return nil
}

// decode reads a body that is one JSON value with known fields.
func decode(r *http.Request, into any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, api.ReasonContentType, "body must be application/json")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err == nil {
			err = errors.New("more than one value")
		}
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return refuse(http.StatusRequestEntityTooLarge, api.ReasonBodyLimit,
			"body is over "+strconv.FormatInt(tooLong.Limit, 10)+" bytes")
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	return refuse(http.StatusBadRequest, api.ReasonBadJSON, "body is not understood: "+err.Error())
}

// quote makes text of a request safe for messages, and short.
func quote(text string) string {
	const most = 256
	return strconv.QuoteToASCII(text[:min(len(text), most)])
}
