package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

const (
	// addressKey is the fact in which a node publishes where it serves.
	addressKey = "cache"
	// valueMax bounds a value, bodyMax what carries one: base64 and the rest.
	valueMax = 1 << 20
	bodyMax  = 2 * valueMax
	// answerTimeout is how long a replica may take: then its stand-in is asked.
	answerTimeout = time.Second
)

// httpPeers asks other nodes at the addresses that they publish.
type httpPeers struct {
	ctx  context.Context // ends with the node
	node *hearsay.Node
}

var errNoAddress = errors.New("peer publishes no address")

// Ask implements Peers.
func (p httpPeers) Ask(to member.NodeID, req Request, answer func(Entry, error)) {
	go func() { answer(p.ask(to, req)) }()
}

func (p httpPeers) ask(to member.NodeID, req Request) (e Entry, err error) {
	ctx, cancel := context.WithTimeout(p.ctx, answerTimeout)
	defer cancel()
	address := p.node.MetaOf(to)[addressKey]
	if address == nil {
		return e, fmt.Errorf("ask %s: %w", to.Short(), errNoAddress)
	}
	body, err := json.Marshal(req)
	if err != nil {
		return e, fmt.Errorf("ask %s: %w", to.Short(), err)
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+string(address)+"/replica", bytes.NewReader(body))
	if err != nil {
		return e, fmt.Errorf("ask %s: %w", to.Short(), err)
	}
	response, err := http.DefaultClient.Do(call)
	if err != nil {
		return e, fmt.Errorf("ask %s: %w", to.Short(), err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return e, fmt.Errorf("ask %s: %s", to.Short(), response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, bodyMax)).Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("ask %s: %w", to.Short(), err)
	}
	return e, nil
}

// handler serves other nodes at /replica, and users at /keys/NAME.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /replica", func(w http.ResponseWriter, r *http.Request) {
		var req Request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMax)).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(a.cache.Serve(req)); err != nil {
			return // the peer went away, and asks again
		}
	})
	mux.HandleFunc("PUT /keys/{key}", func(w http.ResponseWriter, r *http.Request) {
		value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, valueMax))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := a.put(r.Context(), r.PathValue("key"), value); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /keys/{key}", func(w http.ResponseWriter, r *http.Request) {
		e, err := a.get(r.Context(), r.PathValue("key"))
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case e.Version == Version{}:
			http.NotFound(w, r)
		default:
			fmt.Fprintf(w, "%s", e.Value)
		}
	})
	return mux
}

// put is Cache.Put for a caller that waits.
func (a *app) put(ctx context.Context, key string, value []byte) error {
	done := make(chan error, 1)
	a.cache.Put(key, value, func(_ Version, err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get is Cache.Get for a caller that waits.
func (a *app) get(ctx context.Context, key string) (Entry, error) {
	type outcome struct {
		entry Entry
		err   error
	}
	done := make(chan outcome, 1)
	a.cache.Get(key, func(e Entry, err error) { done <- outcome{e, err} })
	select {
	case o := <-done:
		return o.entry, o.err
	case <-ctx.Done():
		return Entry{}, ctx.Err()
	}
}
