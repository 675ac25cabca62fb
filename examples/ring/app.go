package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
	"github.com/hearsay-gossip/hearsay/seal"
)

// tickInterval is how often handoffs are tried: a few times while a user waits.
const tickInterval = 200 * time.Millisecond

// placing are the options of the ring. Opt-in keeps off it who has not yet said
// where it is.
var placing = ring.Options{OptIn: true}

// setup describes a node.
type setup struct {
	name, zone string
	listen     string // for HTTP
	bind       string // for gossip; "" takes a free port of the loopback interface
	seeds      []string
	identity   *seal.Identity // nil draws one
	epoch      uint64         // 0 takes the clock
	keys       *seal.Ring
}

// app is a node with its cache.
type app struct {
	node   *hearsay.Node
	keeper *ring.Keeper
	cache  *Cache
	url    string

	server *http.Server
	stop   context.CancelFunc
	tasks  sync.WaitGroup
}

// start runs a node until close is called.
func start(ctx context.Context, s setup) (*app, error) {
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Seeds, cfg.Identity, cfg.Epoch = s.name, s.keys, s.seeds, s.identity, s.epoch
	cfg.Logger = slog.New(slog.DiscardHandler)
	if s.bind != "" {
		cfg.Bind = s.bind
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return nil, fmt.Errorf("serve the cache: %w", err)
	}
	node, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	// context.Background: what ctx ends is the start; close ends the node
	life, stop := context.WithCancel(context.Background())
	a := &app{node: node, stop: stop, url: "http://" + listener.Addr().String()}
	events := node.Events(life) // before the first look, so that nothing is missed
	a.keeper, err = ring.NewKeeper(node, func(m hearsay.Member) ring.Member {
		return ring.Member{ID: m.ID, Epoch: member.Epoch(m.Epoch), State: m.State}
	}, placing)
	if err != nil {
		stop()
		return nil, errors.Join(err, listener.Close(), node.Close())
	}
	a.cache = NewCache(node.Self().ID, a.keeper.Ring, httpPeers{life, node}, func() int64 { return time.Now().UnixMicro() })
	a.server = &http.Server{Handler: a.handler(), ReadHeaderTimeout: answerTimeout}
	a.tasks.Go(func() { _ = a.server.Serve(listener) }) // always an error: that it was closed
	a.tasks.Go(func() {
		for e := range events {
			a.cache.RingChanged(a.keeper.Update(e.Member.ID))
		}
	})
	a.tasks.Go(func() { a.tick(life) })
	// The weight comes last: with it the node is on the ring.
	for _, fact := range [][2]string{{addressKey, listener.Addr().String()}, {"zone", s.zone}, {"weight", "100"}} {
		if err := node.Meta().Set(ctx, fact[0], []byte(fact[1])); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

func (a *app) tick(life context.Context) {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.cache.Tick()
		case <-life.Done():
			return
		}
	}
}

// close stops the node at once, without a goodbye, as a crash would. Its memory
// is gone.
func (a *app) close() error {
	a.stop()
	err := errors.Join(a.server.Close(), a.node.Close())
	a.tasks.Wait()
	return err
}
