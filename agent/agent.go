package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/agent/httpapi"
	"github.com/hearsay-gossip/hearsay/agent/recent"
	"github.com/hearsay-gossip/hearsay/agent/state"
	"github.com/hearsay-gossip/hearsay/agent/telemetry"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/snapshot"
)

// Agent is a running node with its HTTP interface. Its methods are safe for
// concurrent use.
type Agent struct {
	cfg     Config // filled
	ring    *seal.Ring
	epoch   uint64
	node    *hearsay.Node
	keeper  *state.Keeper // nil without a data directory
	http    *httpapi.Server
	addr    netip.AddrPort // of the HTTP interface
	build   api.Build
	alone   bool         // nobody to join was named or remembered
	known   []state.Peer // peers of an earlier run, until another member lives
	running sync.WaitGroup
	rival   member.NodeID // who has the name of this node, as warned of; watchNode's

	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	done     chan struct{}
	finish   sync.Once
	err      error // set before done is closed
	closing  sync.Once
	closeErr error
}

// Start opens what the configuration names, in this order: secret, token, data
// directory, HTTP address, gossip address. It joins the seeds, and the peers
// remembered from an earlier run, in the background. The context bounds the
// start alone.
//
// Errors wrap ErrConfig where the configuration is at fault.
func Start(ctx context.Context, cfg Config) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, build: cfg.build(), done: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	if err := a.start(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Agent) start(ctx context.Context) error {
	ring, err := a.cfg.ring()
	if err != nil {
		return err
	}
	a.ring = ring
	token := ""
	if a.cfg.TokenFile != "" {
		if token, err = LoadToken(a.cfg.TokenFile); err != nil {
			return err
		}
	}
	nodeCfg, kept, err := a.openState()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.HTTP)
	if err != nil {
		return explainBind("http", a.cfg.HTTP, err)
	}
	a.addr = listener.Addr().(*net.TCPAddr).AddrPort()
	if a.node, err = hearsay.Start(ctx, nodeCfg); err != nil {
		return errors.Join(explainBind("gossip", a.cfg.Bind, err), listener.Close())
	}
	if err := a.restore(ctx, kept); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := a.serve(listener, token); err != nil {
		return errors.Join(err, listener.Close())
	}
	a.warn()
	a.running.Go(a.watchNode)
	return nil
}

// explainBind says which of the two sockets could not be opened.
func explainBind(which, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s address %s is in use by another process: %w", which, addr, err)
	}
	return fmt.Errorf("%s address %s: %w", which, addr, err)
}

// openState locks the data directory, if there is one, and returns the node's
// configuration and what was remembered.
func (a *Agent) openState() (hearsay.Config, state.State, error) {
	n := a.cfg.node()
	n.Ring, n.Insecure = a.ring, a.cfg.Security == Insecure
	var kept state.State
	identity, isNew, err := a.cfg.identity()
	if err != nil {
		return n, kept, err
	}
	n.Identity = identity
	if a.cfg.DataDir != "" {
		a.keeper, kept, err = state.Open(state.Config{
			FS: snapshot.OS(), Dir: a.cfg.DataDir, Logger: a.cfg.Logger, NewKey: isNew, Now: time.Now().Unix(),
			Owner: snapshot.Identity{Cluster: a.ring.Cluster(), Node: identity.ID()},
		})
		if err != nil {
			return n, kept, fmt.Errorf("data directory %s: %w", a.cfg.DataDir, err)
		}
		n.Epoch, a.epoch = uint64(kept.Epoch), uint64(kept.Epoch)
		a.known = kept.Peers
	}
	peers := seedsOf(kept)
	if kept.Left && len(kept.Peers) > 0 {
		a.cfg.Logger.Info("peers of an earlier run are not joined, since this node was made to leave", "peers", len(kept.Peers))
	}
	a.alone = len(a.cfg.Seeds)+len(peers) == 0
	n.Seeds = append(append([]string(nil), a.cfg.Seeds...), peers...)
	return n, kept, nil
}

// serve starts the HTTP interface.
func (a *Agent) serve(l net.Listener, token string) error {
	source := telemetry.Source{
		Stats: a.node.Stats, Version: a.build.Version,
		Cluster: a.ring.Cluster().String(), Insecure: a.cfg.Security == Insecure,
	}
	source.HTTP = func() ([6]uint64, int) {
		c := a.http.Counts()
		return c.Answers, c.Streams
	}
	if a.keeper != nil {
		source.Saves = a.keeper.Saves
	}
	metrics, err := telemetry.Handler(source)
	if err != nil {
		return err
	}
	log, remember := recent.Keep(a.ctx, a.node)
	a.running.Go(remember)
	a.http = httpapi.New(httpapi.Config{
		Node: a.node, Agent: surface{a}, Metrics: metrics, Recent: log, Logger: a.cfg.Logger,
		MessageMax: a.cfg.MaxEventSize,
		Hosts:      a.cfg.HTTPHosts, RequireToken: a.cfg.RequireToken, Pprof: a.cfg.Pprof,
	})
	a.http.SetToken(token)
	a.running.Go(func() {
		if err := a.http.Serve(l); err != nil {
			a.end(fmt.Errorf("http: %w", err))
		}
	})
	return nil
}

// warn says once what an operator may have not meant.
func (a *Agent) warn() {
	log := a.cfg.Logger
	if a.cfg.Security == Dev {
		log.Warn("development mode: the key is public; any process on this host can read and forge the traffic")
	}
	if !a.addr.Addr().IsLoopback() {
		if a.cfg.TokenFile == "" {
			log.Warn("http interface can be read from other hosts, and written from this one alone, since there is no token-file", "http", a.addr)
		} else {
			log.Warn("http interface is open to other hosts, and its traffic and token to whoever is between", "http", a.addr)
		}
	}
}

// watchNode keeps the saved state up to date, and ends the agent if the node
// stops by itself.
func (a *Agent) watchNode() {
	events := a.node.Events(a.ctx)
	a.onEvent(hearsay.Resync) // what happened before the line above
	for e := range events {
		a.onEvent(e.Kind)
	}
	if a.ctx.Err() == nil {
		<-a.node.Done()
		a.end(fmt.Errorf("node stopped: %w", errors.Join(a.node.Err(), hearsay.ErrClosed)))
	}
}

func (a *Agent) onEvent(kind hearsay.EventKind) {
	if a.keeper != nil && changesState(kind) {
		a.keeper.Touch()
	}
	if kind == hearsay.NameConflict || kind == hearsay.NameResolved || kind == hearsay.Resync {
		a.warnOfRival()
	}
}

// warnOfRival tells the operators of two nodes with one name, at each of them,
// when it begins.
func (a *Agent) warnOfRival() {
	members := a.node.Members()
	self := members[0]
	holder, _ := a.node.Lookup(self.Name)
	rival := slices.IndexFunc(members, func(m hearsay.Member) bool { return m.NameConflict && m.Live() && m.Name == self.Name })
	if rival < 0 {
		a.rival = member.NodeID{}
		return
	}
	other := members[rival]
	if other.Self {
		other = holder
	}
	if a.rival != other.ID {
		a.rival = other.ID
		a.cfg.Logger.Warn("another node claims the name of this one; rename one of them",
			"name", self.Name, "other", other.ID, "addr", other.Addr, "holder", holder.Self)
	}
}

// end tells whoever waits that the agent is to be closed, and why.
func (a *Agent) end(err error) {
	a.finish.Do(func() {
		a.err = err
		close(a.done)
	})
}

// Done is closed when the agent has ended by itself: it was made to leave, or
// broke. It must be closed all the same.
func (a *Agent) Done() <-chan struct{} { return a.done }

// Err returns why the agent broke; nil before Done, and if it was made to leave.
func (a *Agent) Err() error {
	select {
	case <-a.done:
		return a.err
	default:
		return nil
	}
}

// Node returns the node, for applications that run an agent inside.
func (a *Agent) Node() *hearsay.Node { return a.node }

// HTTPAddr returns where tools are answered.
func (a *Agent) HTTPAddr() netip.AddrPort { return a.addr }

// Cluster returns the cluster's ID.
func (a *Agent) Cluster() seal.ClusterID { return a.ring.Cluster() }

// closeTimeout bounds the wait for HTTP answers under way.
const closeTimeout = 2 * time.Second

// Close stops the agent at once, without a goodbye, and saves its state. It is
// idempotent.
func (a *Agent) Close() error {
	a.closing.Do(func() { a.closeErr = a.close() })
	return a.closeErr
}

func (a *Agent) close() error {
	var errs []error
	if a.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		errs = append(errs, a.http.Shutdown(ctx))
	}
	a.cancel()
	if a.keeper != nil {
		errs = append(errs, a.keeper.Close())
	}
	if a.node != nil {
		errs = append(errs, a.node.Close())
	}
	a.running.Wait()
	return errors.Join(errs...)
}

// Run runs an agent until its context ends, when it says goodbye within the
// leave timeout, or until it is made to leave. started is called when all is
// open; nil is fine.
func Run(ctx context.Context, cfg Config, started func(*Agent)) error {
	a, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	if started != nil {
		started(a)
	}
	select {
	case <-a.Done():
		return errors.Join(a.Err(), a.Close())
	case <-ctx.Done():
	}
	a.sayGoodbye()
	return a.Close()
}

func (a *Agent) sayGoodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.LeaveTimeout)
	defer cancel()
	report, err := a.node.Leave(ctx)
	level := slog.LevelInfo
	if err != nil && report.Acked == 0 {
		level = slog.LevelWarn
	}
	attrs := []any{"asked", report.Asked, "acked", report.Acked}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	a.cfg.Logger.Log(ctx, level, "left", attrs...)
}
