// Package client talks to a hearsay agent over its HTTP interface. The command
// line uses nothing else.
//
//	c, err := client.New("127.0.0.1:8500", client.Options{})
//	members, err := c.Members(ctx)
//
// The shapes it returns are those of package client/api.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/client/api"
)

const (
	// DefaultAddr is where an agent listens unless told otherwise: the port that
	// tools for this kind of interface try first.
	DefaultAddr = "127.0.0.1:8500"
	// AddrVariable is the environment variable that replaces DefaultAddr.
	AddrVariable = "HEARSAY_HTTP"
	// answerMax bounds an answer in bytes: 131,072 members at 400 bytes each, or
	// a member's 1,024 facts of 64 KiB as base64.
	answerMax = 96 << 20
	// problemMax bounds the body of an error that is read.
	problemMax = 16 << 10
	// dialTimeout is how long an agent may take to accept. It is near; one that
	// is not there should be noticed before the user doubts the command.
	dialTimeout = 5 * time.Second
)

// Options say how a client talks. The zero value will do.
type Options struct {
	// Token is sent with each request; empty: none.
	Token string
	// HTTP sends the requests. Default: a client without proxy, redirects or
	// overall time limit; calls are bounded by their contexts.
	HTTP *http.Client
}

// Client talks to one agent. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// ErrAddr is returned by New for what is not an address.
var ErrAddr = errors.New("agent address: want host:port or an http URL")

// New returns a client for an agent at "host:port" or "http://host:port". Empty
// means the environment variable HEARSAY_HTTP, and DefaultAddr without it. It
// does not contact the agent.
func New(addr string, opts Options) (*Client, error) {
	if addr == "" {
		addr = os.Getenv(AddrVariable)
	}
	if addr == "" {
		addr = DefaultAddr
	}
	base, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, token: opts.Token, http: opts.HTTP}
	if c.http == nil {
		c.http = &http.Client{
			Transport: &http.Transport{
				DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
				TLSHandshakeTimeout:   dialTimeout,
				IdleConnTimeout:       time.Minute,
				MaxIdleConnsPerHost:   4,
				ForceAttemptHTTP2:     true,
				ExpectContinueTimeout: time.Second,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return c, nil
}

// parseAddr reads "host:port" or a URL without a path. An unspecified host,
// which an agent may listen on and nobody can call, means this one.
func parseAddr(addr string) (*url.URL, error) {
	text := addr
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrAddr, addr)
	}
	_, port, err := net.SplitHostPort(u.Host)
	switch {
	case u.Scheme != "http" && u.Scheme != "https",
		u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "",
		u.Path != "" && u.Path != "/",
		err != nil && u.Scheme == "http",
		err == nil && port == "":
		return nil, fmt.Errorf("%w: %q", ErrAddr, addr)
	}
	switch u.Hostname() {
	case "", "0.0.0.0":
		u.Host = net.JoinHostPort("127.0.0.1", port)
	case "::":
		u.Host = net.JoinHostPort("::1", port)
	}
	u.Path = ""
	return u, nil
}

// Addr returns the "host:port" that the client calls.
func (c *Client) Addr() string { return c.base.Host }

// CloseIdle closes the connections that no call is using.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// Error is a refusal by the agent.
type Error struct {
	Status  int        // HTTP status
	Reason  api.Reason // empty when the answer is not from an agent
	Message string     // for people; without the escapes of a terminal only if printed with %q
}

// Error returns the agent's message.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("agent answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.Message
}

// ReasonOf returns why the agent refused, and "" when err is not a refusal.
func ReasonOf(err error) api.Reason {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return ""
}

// ErrUnavailable wraps the errors of calls that no agent answered.
var ErrUnavailable = errors.New("no agent answers")

// call sends a request and decodes the answer into out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	if out == nil {
		return resp.Body.Close()
	}
	return decode(ctx, resp, out)
}

// send returns an answer below 300, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	if in == nil {
		return c.exchange(ctx, method, path, "", nil)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.exchange(ctx, method, path, "application/json", bytes.NewReader(text))
}

// exchange is send for a body of any type.
func (c *Client) exchange(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, ctx.Err())
		}
		return nil, fmt.Errorf("%w at %s: %w", ErrUnavailable, c.base.Host, cause(err))
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, problem(resp)
	}
	return resp, nil
}

// cause strips the method and URL that net/http puts before an error.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// problem turns a refusal into an error. A body that is no problem of ours is
// left out: whatever answered is not an agent.
func problem(resp *http.Response) error {
	refusal := &Error{Status: resp.StatusCode}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return refusal
	}
	var p api.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, problemMax)).Decode(&p); err != nil {
		return refusal
	}
	refusal.Reason, refusal.Message = p.Reason, p.Error
	return refusal
}
