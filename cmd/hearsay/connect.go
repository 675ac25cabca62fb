package main

import (
	"context"
	"os"
	"time"

	"github.com/hearsay-gossip/hearsay/agent"
	"github.com/hearsay-gossip/hearsay/client"
)

// connection is how a command reaches an agent.
type connection struct {
	HTTP      string        `name:"http" placeholder:"HOST:PORT" env:"HEARSAY_HTTP" help:"HTTP interface of the agent (default ${default_http})."`
	TokenFile string        `placeholder:"FILE" env:"HEARSAY_TOKEN_FILE" help:"File with the token that the agent asks for."`
	Timeout   time.Duration `default:"20s" env:"HEARSAY_TIMEOUT" help:"How long the agent may take."`
}

// connectionVars fill in the help of connection.
var connectionVars = map[string]string{"default_http": client.DefaultAddr}

// client returns a client of the agent.
func (c *connection) client() (*client.Client, error) {
	token := os.Getenv("HEARSAY_TOKEN")
	if c.TokenFile != "" {
		var err error
		if token, err = agent.LoadToken(c.TokenFile); err != nil {
			return nil, err
		}
	}
	return client.New(c.HTTP, client.Options{Token: token})
}

// ask calls an agent and returns its answer.
func ask[T any](t *terminal, c *connection, call func(context.Context, *client.Client) (T, error)) (T, error) {
	cl, err := c.client()
	if err != nil {
		var none T
		return none, err
	}
	ctx, cancel := context.WithTimeout(t.ctx, c.Timeout)
	defer cancel()
	return call(ctx, cl)
}
