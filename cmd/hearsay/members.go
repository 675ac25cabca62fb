package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

type membersCmd struct {
	connection
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *membersCmd) Run(t *terminal) error {
	members, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) ([]api.Member, error) {
		return cl.Members(ctx)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.stdout, members)
	}
	rows := [][]string{{"NAME", "STATE", "ADDRESS", "ID", "EPOCH", "INCARNATION", "FOR", "NOTE"}}
	now := time.Now()
	for _, m := range members {
		rows = append(rows, []string{
			m.Name, m.State, m.Address, m.ID, strconv.FormatUint(m.Epoch, 10),
			strconv.FormatUint(m.Incarnation, 10), ago(m.Since, now), note(&m),
		})
	}
	return table(t.stdout, rows)
}

// note says what is remarkable about a member.
func note(m *api.Member) string {
	var notes []string
	if m.Self {
		notes = append(notes, "self")
	}
	if m.Conflict {
		notes = append(notes, "name conflict")
	}
	return strings.Join(notes, ", ")
}

type joinCmd struct {
	connection
	Addrs []string `arg:"" name:"address" help:"host:port, host, or srv:NAME."`
}

func (c *joinCmd) Run(t *terminal) error {
	report, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) (api.JoinReport, error) {
		return cl.Join(ctx, c.Addrs...)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "joined: %d contacts answered\n", report.Contacts)
	return err
}

type leaveCmd struct{ connection }

func (c *leaveCmd) Run(t *terminal) error {
	report, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) (api.LeaveReport, error) {
		return cl.Leave(ctx)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "left: %d of %d members told have confirmed\n", report.Acked, report.Asked)
	return err
}

type forceLeaveCmd struct {
	connection
	Member string `arg:"" help:"Name or id of a dead member."`
}

func (c *forceLeaveCmd) Run(t *terminal) error {
	_, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) (struct{}, error) {
		return struct{}{}, cl.Retire(ctx, c.Member)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "retired: %s\n", escape(c.Member))
	return err
}
