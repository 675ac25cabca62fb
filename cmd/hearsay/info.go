package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

type infoCmd struct {
	connection
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *infoCmd) Run(t *terminal) error {
	info, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) (api.Info, error) {
		return cl.Info(ctx)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.stdout, info)
	}
	n := info.Counts
	rows := [][]string{
		{"name", info.Self.Name},
		{"id", info.Self.ID},
		{"address", info.Self.Address},
		{"state", info.Self.State + conflict(info.Self.Conflict)},
		{"epoch", strconv.FormatUint(info.Self.Epoch, 10)},
		{"incarnation", strconv.FormatUint(info.Self.Incarnation, 10)},
		{"cluster", info.Cluster},
		{"security", info.Security},
		{"root", info.Root},
		{"health", health(info.Health)},
		{"members", fmt.Sprintf("%d alive, %d suspect, %d dead, %d left", n.Alive, n.Suspect, n.Dead, n.Left)},
		{"facts", strconv.Itoa(info.Facts)},
		{"hot rumors", strconv.Itoa(info.HotRumors)},
		{"ready", strconv.FormatBool(info.Ready)},
		{"data", data(&info)},
		{"version", info.Build.Version + " (" + info.Build.Go + ")"},
	}
	return table(t.stdout, rows)
}

func conflict(yes bool) string {
	if yes {
		return ", another member has its name"
	}
	return ""
}

func health(score int) string {
	if score == 0 {
		return "0 (well)"
	}
	return strconv.Itoa(score) + " (slow; timeouts are stretched)"
}

func data(info *api.Info) string {
	switch {
	case info.Problem != "":
		return "not saved: " + info.Problem
	case info.Durable:
		return "saved"
	}
	return "not kept"
}
