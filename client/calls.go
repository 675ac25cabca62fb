package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// ask returns the answer to a request.
func ask[T any](ctx context.Context, c *Client, method, path string, in any) (out T, err error) {
	err = c.call(ctx, method, path, in, &out)
	return out, err
}

// Members returns all members, ordered by name, then ID.
func (c *Client) Members(ctx context.Context) ([]api.Member, error) {
	return ask[[]api.Member](ctx, c, http.MethodGet, api.Prefix+"members", nil)
}

// Member returns one member by name or ID. The reason of the error is
// [api.ReasonUnknownMember] when there is none.
func (c *Client) Member(ctx context.Context, nameOrID string) (api.Member, error) {
	return ask[api.Member](ctx, c, http.MethodGet, api.Prefix+"members/"+segment(nameOrID), nil)
}

// Info returns what the agent says about itself.
func (c *Client) Info(ctx context.Context) (api.Info, error) {
	return ask[api.Info](ctx, c, http.MethodGet, api.Prefix+"self", nil)
}

// Stats returns the node's counters.
func (c *Client) Stats(ctx context.Context) (api.Stats, error) {
	return ask[api.Stats](ctx, c, http.MethodGet, api.Prefix+"stats", nil)
}

// Join makes the agent contact nodes at addresses, and waits for their answers.
// The reason of the error is [api.ReasonUnreachable] when none did.
func (c *Client) Join(ctx context.Context, addrs ...string) (api.JoinReport, error) {
	return ask[api.JoinReport](ctx, c, http.MethodPost, api.Prefix+"join", api.JoinRequest{Addrs: addrs})
}

// Leave makes the agent say goodbye and end.
func (c *Client) Leave(ctx context.Context) (api.LeaveReport, error) {
	return ask[api.LeaveReport](ctx, c, http.MethodPost, api.Prefix+"leave", struct{}{})
}

// Retire turns a dead member, by name or ID, into one that has left. The
// reasons of the error are [api.ReasonUnknownMember] and [api.ReasonNotDead].
func (c *Client) Retire(ctx context.Context, nameOrID string) error {
	return c.call(ctx, http.MethodPost, api.Prefix+"retire", api.RetireRequest{Member: nameOrID}, nil)
}

// Meta returns the agent's own metadata, ordered by key.
func (c *Client) Meta(ctx context.Context) ([]api.Fact, error) {
	return ask[[]api.Fact](ctx, c, http.MethodGet, api.Prefix+"meta", nil)
}

// MetaOf returns the metadata of a member by name or ID, ordered by key. That
// of a member that is dead or has left is hidden.
func (c *Client) MetaOf(ctx context.Context, nameOrID string) ([]api.Fact, error) {
	return ask[[]api.Fact](ctx, c, http.MethodGet, api.Prefix+"meta-of/"+segment(nameOrID), nil)
}

// MetaValue returns one value of the agent's own metadata. The reason of the
// error is [api.ReasonUnknownKey] when there is none.
func (c *Client) MetaValue(ctx context.Context, key string) ([]byte, error) {
	fact, err := ask[api.Fact](ctx, c, http.MethodGet, metaPath(key), nil)
	return fact.Value, err
}

// SetMeta writes one key of the agent's own metadata.
func (c *Client) SetMeta(ctx context.Context, key string, value []byte) (api.WriteReport, error) {
	return ask[api.WriteReport](ctx, c, http.MethodPut, metaPath(key), api.FactWrite{Value: value})
}

// DeleteMeta deletes one key of the agent's own metadata. The reason of the
// error is [api.ReasonUnknownKey] when there is none.
func (c *Client) DeleteMeta(ctx context.Context, key string) (api.WriteReport, error) {
	return ask[api.WriteReport](ctx, c, http.MethodDelete, metaPath(key), nil)
}

func metaPath(key string) string { return api.Prefix + "meta/" + segment(key) }

// segment escapes text to be one segment of a path. Dots are escaped, too:
// servers and proxies would take "." and ".." for steps.
func segment(text string) string {
	return strings.ReplaceAll(url.PathEscape(text), ".", "%2E")
}
