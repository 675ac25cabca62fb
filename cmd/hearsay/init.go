package main

import (
	"fmt"
	"path/filepath"

	"github.com/hearsay-gossip/hearsay/agent"
	"github.com/hearsay-gossip/hearsay/seal"
)

type initCmd struct {
	Dir  string `required:"" placeholder:"DIR" env:"HEARSAY_SECRET" help:"Where the ring's file goes; made if need be, readable by you alone."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (c *initCmd) Run(t *terminal) error {
	cluster, err := agent.Init(c.Dir)
	if err != nil {
		return err
	}
	file := filepath.Join(c.Dir, seal.RingFile)
	if c.JSON {
		return printJSON(t.stdout, map[string]string{"cluster": cluster.String(), "file": file})
	}
	_, err = fmt.Fprintf(t.stdout, "cluster %s\nring key in %s\n"+
		"Copy that file to the other hosts over a safe channel, then on each: hearsay agent --secret %s\n",
		cluster, escape(file), escape(c.Dir))
	return err
}
