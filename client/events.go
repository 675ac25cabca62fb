package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// eventMax bounds one line of a stream: a message of the largest size that can
// be configured, escaped sixfold, would be 400 MB; this holds what is not text,
// and what is with an escape here and there.
const eventMax = answerMax

// Events returns what happens from now on, in order, and the messages that are
// delivered. The first event, and each one that takes the place of events lost,
// is of kind [api.KindResync]: read the state after it, and nothing is missed.
// The sequence ends after its first error, which is that of ctx once that is
// done, and io.ErrUnexpectedEOF when the agent ends, or ends the stream of a reader
// that took nothing for ten seconds.
func (c *Client) Events(ctx context.Context) iter.Seq2[api.Event, error] {
	return eventsAt[api.Event](ctx, c, http.MethodGet, api.Prefix+"events", nil)
}

// eventsAt returns the events of a stream.
func eventsAt[T any](ctx context.Context, c *Client, method, path string, in any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		resp, err := c.send(ctx, method, path, in)
		if err != nil {
			yield(none, err)
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, eventMax)
		for lines.Scan() {
			// One data line an event; its kind is repeated there, and other
			// fields and comments are for browsers.
			data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
			if !ok {
				continue
			}
			var e T
			if err := json.Unmarshal(data, &e); err != nil {
				if !lines.Scan() { // it is the last line, and cut off
					break
				}
				yield(none, fmt.Errorf("event is not understood: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		yield(none, fmt.Errorf("events: %w", endOf(ctx, lines.Err())))
	}
}

func endOf(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil || errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
