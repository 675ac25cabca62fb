package main

import (
	"errors"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

type benchCmd struct {
	Cluster benchClusterCmd `cmd:"" help:"Measure a cluster of real nodes, all in this process, over loopback sockets."`
}

// benchClusterCmd makes one measurement. Comparisons with other libraries, and
// medians over several runs, are the work of bench/clusterbench.
type benchClusterCmd struct {
	Nodes    int           `default:"100" placeholder:"N" help:"Nodes, which all join one seed at once (default: ${default})."`
	JSON     bool          `name:"json" help:"Print JSON."`
	Patience time.Duration `default:"2m" help:"Longest wait for full views (default: ${default})."`
	Settle   time.Duration `default:"10s" help:"Time between full views and the idle phase, which measures (default: ${default})."`
	Idle     time.Duration `default:"15s" help:"Length of the idle phase (default: ${default})."`
}

// benchPoll is the resolution of the time to full views. Looking costs one load
// until all views but the last are full.
const benchPoll = 5 * time.Millisecond

func (c *benchClusterCmd) Run(t *terminal) error {
	options := benchcluster.Options{
		Nodes: c.Nodes, Patience: c.Patience, Poll: benchPoll, Settle: c.Settle, Idle: c.Idle,
	}
	if err := options.Validate(); err != nil {
		return errors.Join(err, silent{errUsage})
	}
	if err := benchcluster.RaiseFiles(c.Nodes); err != nil {
		return err
	}
	result, err := benchcluster.Run(t.ctx, benchcluster.NewNodes(true), options)
	if err != nil {
		return err
	}
	result.Library, result.Version, result.Sealed = benchcluster.Library, version(), true
	if c.JSON {
		return printJSON(t.stdout, result)
	}
	return benchcluster.WriteTable(t.stdout, benchcluster.Summarize([]benchcluster.Result{result}))
}
