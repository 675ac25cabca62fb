package httpapi

import (
	"net/http"
	"sync/atomic"
)

// Counts is what a server has answered.
type Counts struct {
	// Answers are by the first digit of their status; streams count when they end.
	Answers [6]uint64
	Streams int // of events, open now
}

// counter counts; its methods are safe for concurrent use.
type counter struct {
	answers [6]atomic.Uint64
	streams atomic.Int64
}

// Counts returns what was answered so far.
func (s *Server) Counts() Counts {
	c := Counts{Streams: int(s.counter.streams.Load())}
	for i := range c.Answers {
		c.Answers[i] = s.counter.answers[i].Load()
	}
	return c
}

// count lets a handler answer, and counts what it did.
func (c *counter) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(&counted, r)
		c.answers[min(counted.status/100, len(c.answers)-1)].Add(1)
	})
}

// statusWriter keeps the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
