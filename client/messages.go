package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// Message is what [Client.Send] tells all members.
type Message struct {
	Topic   string
	Payload []byte
	Ordered bool
	// Filter says for whom it is; the zero value: for all.
	Filter api.Filter
	// Wait is for how long the report may wait for all to have it; 20 s at most.
	Wait time.Duration
}

// Send publishes a message. The reasons of the error are [api.ReasonBadTopic],
// [api.ReasonMessageLimit] and [api.ReasonBackpressure].
func (c *Client) Send(ctx context.Context, m Message) (api.SendReport, error) {
	q := make(url.Values)
	if m.Ordered {
		q.Set("ordered", "1")
	}
	if m.Wait > 0 {
		q.Set("wait", m.Wait.String())
	}
	q["node"] = m.Filter.Names
	for key, value := range m.Filter.Tags {
		q.Add("tag", key+"="+value)
	}
	if m.Filter.Zone != "" {
		q.Set("zone", m.Filter.Zone)
	}
	path := api.Prefix + "messages/" + segment(m.Topic)
	if text := q.Encode(); text != "" {
		path += "?" + text
	}
	var report api.SendReport
	resp, err := c.sendRaw(ctx, http.MethodPut, path, m.Payload)
	if err == nil {
		err = decode(ctx, resp, &report)
	}
	return report, err
}

// Messages returns the events of [Client.Events] that are messages, of some
// topics or all, beside the first resync, markers of those that were lost
// because the reader was slow, [api.KindLagged], and of those that nobody has
// any more, [api.KindMissed].
func (c *Client) Messages(ctx context.Context, topics ...string) iter.Seq2[api.Event, error] {
	q := url.Values{"kind": {api.KindMessage}, "topic": topics}
	return eventsAt[api.Event](ctx, c, http.MethodGet, api.Prefix+"events?"+q.Encode(), nil)
}

// Query asks members. The sequence has what they answer, as it comes; the stats
// are the last, and it ends after its first error. Leaving it ends the query.
func (c *Client) Query(ctx context.Context, q api.QueryRequest) iter.Seq2[api.QueryNews, error] {
	return func(yield func(api.QueryNews, error) bool) {
		for news, err := range eventsAt[api.QueryNews](ctx, c, http.MethodPost, api.Prefix+"query", q) {
			if !yield(news, err) || err != nil || news.Stats != nil {
				return
			}
		}
	}
}

// Questions returns the queries that the agent's node is asked from now on, on
// some topics or all. [Client.Answer] answers them.
func (c *Client) Questions(ctx context.Context, topics ...string) iter.Seq2[api.Question, error] {
	path := api.Prefix + "questions"
	if len(topics) > 0 {
		path += "?" + url.Values{"topic": topics}.Encode()
	}
	return eventsAt[api.Question](ctx, c, http.MethodGet, path, nil)
}

// Answer answers a question by its ID. The reason of the error is
// [api.ReasonUnknownQuery] once the asker waits no more.
func (c *Client) Answer(ctx context.Context, question string, payload []byte) error {
	resp, err := c.sendRaw(ctx, http.MethodPut, api.Prefix+"answers/"+segment(question), payload)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// sendRaw sends bytes that are no JSON.
func (c *Client) sendRaw(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	return c.exchange(ctx, method, path, "application/octet-stream", bytes.NewReader(body))
}

// decode reads an answer and closes it.
func decode(ctx context.Context, resp *http.Response, out any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, answerMax+1)).Decode(out); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s %s: answer is not understood: %w", resp.Request.Method, resp.Request.URL.Path, err)
	}
	return nil
}
