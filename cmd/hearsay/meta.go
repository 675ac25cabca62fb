package main

import (
	"context"
	"fmt"
	"io"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

type metaCmd struct {
	List   metaListCmd   `cmd:"" help:"List keys and values."`
	Get    metaGetCmd    `cmd:"" help:"Print the value of a key."`
	Set    metaSetCmd    `cmd:"" help:"Publish a value under a key of this agent."`
	Delete metaDeleteCmd `cmd:"" help:"Take a key of this agent back."`
}

// owner says whose metadata is read.
type owner struct {
	Of string `placeholder:"MEMBER" help:"Name or id of the member (default: the agent itself)."`
}

func (o *owner) facts(ctx context.Context, cl *client.Client) ([]api.Fact, error) {
	if o.Of == "" {
		return cl.Meta(ctx)
	}
	return cl.MetaOf(ctx, o.Of)
}

type metaListCmd struct {
	connection
	owner
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *metaListCmd) Run(t *terminal) error {
	facts, err := ask(t, &c.connection, c.facts)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.stdout, facts)
	}
	rows := [][]string{{"KEY", "VALUE"}}
	for _, f := range facts {
		rows = append(rows, []string{f.Key, string(f.Value)})
	}
	return table(t.stdout, rows)
}

type metaGetCmd struct {
	connection
	owner
	JSON bool   `name:"json" xor:"form" help:"Print JSON."`
	Raw  bool   `xor:"form" help:"Print the very bytes, without escapes or a final newline."`
	Key  string `arg:""`
}

func (c *metaGetCmd) Run(t *terminal) error {
	fact, err := ask(t, &c.connection, c.find)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(t.stdout, fact)
	case c.Raw:
		_, err = t.stdout.Write(fact.Value)
	default:
		_, err = fmt.Fprintln(t.stdout, escape(string(fact.Value)))
	}
	return err
}

func (c *metaGetCmd) find(ctx context.Context, cl *client.Client) (api.Fact, error) {
	if c.Of == "" {
		value, err := cl.MetaValue(ctx, c.Key)
		return api.Fact{Key: c.Key, Value: value}, err
	}
	facts, err := cl.MetaOf(ctx, c.Of)
	if err != nil {
		return api.Fact{}, err
	}
	for _, f := range facts {
		if f.Key == c.Key {
			return f, nil
		}
	}
	return api.Fact{}, fmt.Errorf("member %q has no key %q", c.Of, c.Key)
}

type metaSetCmd struct {
	connection
	Key   string `arg:""`
	Value string `arg:"" help:"The value; - reads standard input."`
}

// valueMax is more than an agent takes, so that it is the agent that says no.
const valueMax = 1 << 17

func (c *metaSetCmd) Run(t *terminal) error {
	value := []byte(c.Value)
	if c.Value == "-" {
		var err error
		if value, err = io.ReadAll(io.LimitReader(t.stdin, valueMax)); err != nil {
			return fmt.Errorf("read value: %w", err)
		}
	}
	return c.connection.write(t, func(ctx context.Context, cl *client.Client) (api.WriteReport, error) {
		return cl.SetMeta(ctx, c.Key, value)
	})
}

type metaDeleteCmd struct {
	connection
	Key string `arg:""`
}

func (c *metaDeleteCmd) Run(t *terminal) error {
	return c.connection.write(t, func(ctx context.Context, cl *client.Client) (api.WriteReport, error) {
		return cl.DeleteMeta(ctx, c.Key)
	})
}

// write changes metadata, and warns where it should be on disk and is not.
func (c *connection) write(t *terminal, call func(context.Context, *client.Client) (api.WriteReport, error)) error {
	report, err := ask(t, c, call)
	if err == nil && report.Problem != "" {
		fmt.Fprintf(t.stderr, "hearsay: warning: published, but not saved on disk: %s\n", escape(report.Problem))
	}
	return err
}
