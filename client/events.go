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

// eventMax bounds one line of the stream: a value of 64 KiB, escaped sixfold.
const eventMax = api.BodyMax

// Events returns what happens from now on, in order. The first event, and each
// one that takes the place of events lost, is of kind [api.KindResync]: read
// the state after it, and nothing is missed. The sequence ends after its first
// error, which is that of ctx once that is done, and io.ErrUnexpectedEOF when
// the agent ends.
func (c *Client) Events(ctx context.Context) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		resp, err := c.send(ctx, http.MethodGet, api.Prefix+"events", nil)
		if err != nil {
			yield(api.Event{}, err)
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
			var e api.Event
			if err := json.Unmarshal(data, &e); err != nil {
				yield(api.Event{}, fmt.Errorf("event is not understood: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		yield(api.Event{}, fmt.Errorf("events: %w", endOf(ctx, lines.Err())))
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
