package main

import "github.com/hearsay-gossip/hearsay/internal/benchcluster"

func init() {
	libraries[benchcluster.Library] = library{
		module: benchcluster.Module,
		open:   func(sealed bool) benchcluster.Cluster { return benchcluster.NewNodes(sealed) },
	}
}
