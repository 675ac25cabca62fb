package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/agent"
	"github.com/hearsay-gossip/hearsay/agent/configfile"
)

// agentCmd has a flag for each setting; package configfile has the same names.
type agentCmd struct {
	Config string `placeholder:"FILE" env:"HEARSAY_CONFIG" help:"Read settings from a TOML file; its keys are the names of these flags."`

	Name       string   `placeholder:"N" env:"HEARSAY_NAME" help:"Name of the node (default: that of the host)."`
	Bind       string   `placeholder:"HOST:PORT" env:"HEARSAY_BIND" help:"Where the node listens for gossip (default :7946; with --dev 127.0.0.1:7946)."`
	Advertise  string   `placeholder:"HOST[:PORT]" env:"HEARSAY_ADVERTISE" help:"Where others reach the node, if not where it listens."`
	Join       []string `placeholder:"HOST:PORT" env:"HEARSAY_JOIN" help:"Seeds: host:port, host, or srv:NAME; tried until one answers."`
	Network    string   `enum:"lan,wan,local" default:"lan" env:"HEARSAY_NETWORK" help:"How far apart the members are: ${enum}."`
	StreamOnly bool     `env:"HEARSAY_STREAM_ONLY" help:"Use TCP alone, for networks that block UDP."`
	MembersMax uint32   `placeholder:"N" env:"HEARSAY_MEMBERS_MAX" help:"Most members to keep, the gone included (default 16384)."`

	MaxEventSize uint32 `placeholder:"BYTES" env:"HEARSAY_MAX_EVENT_SIZE" help:"Largest payload of an event (default 4194304)."`

	Secret   string `placeholder:"DIR" env:"HEARSAY_SECRET" help:"Directory with the ring's file; see hearsay init."`
	Data     string `placeholder:"DIR" env:"HEARSAY_DATA" help:"Directory for the node's key and state; without it each start is a new node."`
	Dev      bool   `env:"HEARSAY_DEV" help:"Try it on this host: a key that is no secret, loopback only."`
	Insecure bool   `env:"HEARSAY_INSECURE" help:"Send plaintext. Anybody on the network can then read and forge it."`

	HTTP         string   `name:"http" placeholder:"HOST:PORT" env:"HEARSAY_HTTP" help:"Where tools are answered (default 127.0.0.1:8500)."`
	HTTPHosts    []string `name:"http-hosts" placeholder:"NAME" env:"HEARSAY_HTTP_HOSTS" help:"Names by which tools call this host, beside localhost and addresses."`
	TokenFile    string   `placeholder:"FILE" env:"HEARSAY_TOKEN_FILE" help:"File with the token that writes need."`
	RequireToken bool     `env:"HEARSAY_REQUIRE_TOKEN" help:"Ask for the token on reads, too."`
	Pprof        bool     `env:"HEARSAY_PPROF" help:"Serve profiles of this process to this host."`

	LeaveTimeout time.Duration `default:"5s" env:"HEARSAY_LEAVE_TIMEOUT" help:"How long the goodbye at the end may take."`
	LogLevel     string        `enum:"debug,info,warn,error" default:"info" env:"HEARSAY_LOG_LEVEL" help:"Least level that is logged: ${enum}."`
	LogFormat    string        `enum:"text,json" default:"text" env:"HEARSAY_LOG_FORMAT" help:"Form of the log on standard error: ${enum}."`
}

// BeforeResolve reads the configuration file: it counts where there is neither a
// flag nor a variable.
func (c *agentCmd) BeforeResolve(ctx *kong.Context) error {
	path := ""
	for _, f := range ctx.Flags() {
		if f.Name == "config" {
			path, _ = ctx.FlagValue(f).(string)
		}
	}
	if path == "" {
		return nil
	}
	settings, err := configfile.Load(path)
	if err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if _, set := os.LookupEnv(name); set {
				return nil, nil //nolint:nilnil // that is how a resolver passes
			}
		}
		if value, ok := settings[flag.Name]; ok {
			return value, nil
		}
		return nil, nil //nolint:nilnil // that is how a resolver passes
	}))
	return nil
}

func (c *agentCmd) config() (agent.Config, error) {
	cfg := agent.Config{
		Name: c.Name, Bind: c.Bind, Advertise: c.Advertise, Seeds: c.Join, Network: agent.Network(c.Network),
		StreamOnly: c.StreamOnly, MembersMax: int(c.MembersMax), MaxEventSize: int(c.MaxEventSize),
		SecretDir: c.Secret, DataDir: c.Data,
		HTTP: c.HTTP, HTTPHosts: c.HTTPHosts, TokenFile: c.TokenFile, RequireToken: c.RequireToken, Pprof: c.Pprof,
		LeaveTimeout: c.LeaveTimeout, Version: version(),
	}
	switch {
	case c.Dev && c.Insecure:
		return cfg, fmt.Errorf("%w: dev and insecure exclude each other", agent.ErrConfig)
	case c.Dev:
		cfg.Security = agent.Dev
	case c.Insecure:
		cfg.Security = agent.Insecure
	}
	return cfg, nil
}

func (c *agentCmd) Run(t *terminal) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	var level slog.LevelVar
	cfg.Logger = c.logger(t, &level)
	ended, end := context.WithCancel(context.Background())
	defer end()
	go hurry(ended, t)
	return agent.Run(t.ctx, cfg, func(a *agent.Agent) {
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		go reloadOn(ended, hangups, t, a, &level, cfg.Logger)
		self := a.Node().Self()
		fmt.Fprintf(t.stdout, "node %s  id %s  gossip %s  http %s  cluster %s\n",
			self.Name, self.ID, self.Addr, a.HTTPAddr(), a.Cluster())
	})
}

// echo is how soon after the first a second signal is taken for the same one:
// wrappers signal a process and then its group.
const echo = 500 * time.Millisecond

// hurry ends the process at the second signal; the first has ended t.ctx, and
// the goodbye is under way.
func hurry(ended context.Context, t *terminal) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	var first time.Time
	for first.IsZero() || time.Since(first) < echo {
		select {
		case <-signals:
			if first.IsZero() {
				first = time.Now()
				continue
			}
		case <-ended.Done():
			return
		}
	}
	fmt.Fprintln(t.stderr, "hearsay: second signal: ended without waiting for the goodbye")
	os.Exit(exitFailed)
}

// reloadOn applies the settings that may change whenever a hangup comes.
func reloadOn(ctx context.Context, hangups chan os.Signal, t *terminal, a *agent.Agent, level *slog.LevelVar, log *slog.Logger) {
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			if err := reload(t, a, level); err != nil {
				log.Warn("not all was reloaded", "err", err)
				continue
			}
			log.Info("reloaded: log level, token, seeds")
		}
	}
}

// reload reads flags, environment and file once more.
func reload(t *terminal, a *agent.Agent, level *slog.LevelVar) error {
	var cli commands
	parser, err := newParser(&cli, t, func(int) {})
	if err != nil {
		return err
	}
	if _, err := parser.Parse(t.args); err != nil {
		return err
	}
	c := &cli.Agent
	return errors.Join(
		level.UnmarshalText([]byte(c.LogLevel)),
		a.Reload(agent.Reload{Seeds: c.Join, TokenFile: c.TokenFile}),
	)
}

// logger returns the logger on standard error.
func (c *agentCmd) logger(t *terminal, level *slog.LevelVar) *slog.Logger {
	if err := level.UnmarshalText([]byte(strings.ToUpper(c.LogLevel))); err != nil {
		level.Set(slog.LevelInfo) // kong has checked it
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(t.stderr, opts))
	}
	return slog.New(slog.NewTextHandler(t.stderr, opts))
}
