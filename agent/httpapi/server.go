package httpapi

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/agent/recent"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

// Limits of a connection. A tool on the same host needs milliseconds; the
// bounds are for one that has stopped, and for one that means harm.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second // above joinTimeout, the slowest answer
	idleTimeout   = time.Minute
	headerMax     = 12 << 10 // net/http adds 4 KiB of slack: 16 KiB in all
	// joinTimeout bounds a join: a dial and a handshake of five seconds each.
	joinTimeout = 10 * time.Second
	// leaveTimeout bounds a goodbye: by then all have confirmed that ever will.
	leaveTimeout = 5 * time.Second
	// keepAlive is how often a quiet stream of events shows that it lives: below
	// the minute after which address translation and proxies forget connections.
	keepAlive = 15 * time.Second
	// profileMax bounds a CPU profile or trace, which runs for as long as asked.
	profileMax = 2 * time.Minute
)

// Node is what the interface needs of a [hearsay.Node].
type Node interface {
	Self() hearsay.Member
	Members() []hearsay.Member
	Lookup(name string) (hearsay.Member, bool)
	LookupID(id member.NodeID) (hearsay.Member, bool)
	MetaOf(id member.NodeID) map[string][]byte
	Join(ctx context.Context, addrs ...string) (int, error)
	Retire(ctx context.Context, nameOrID string) error
	Events(ctx context.Context) iter.Seq[hearsay.Event]
	Broadcast(ctx context.Context, m hearsay.Message) (*hearsay.Receipt, error)
	Messages(ctx context.Context, topics ...string) iter.Seq[hearsay.Message]
	Query(ctx context.Context, q hearsay.Query) (*hearsay.Answers, error)
	Questions(ctx context.Context, topics ...string) iter.Seq[hearsay.Question]
	Answer(ctx context.Context, q hearsay.Question, payload []byte) error
	Stats() hearsay.Stats
}

// Agent is what is beside the node. Its methods are called concurrently.
type Agent interface {
	// Describe returns the agent's part of info; the server fills in the rest.
	Describe() api.Info
	// Ready returns nil when the node may be relied on, and else why not.
	Ready() error
	// Healthy returns nil unless the node has stopped.
	Healthy() error
	// Leave says goodbye and ends the agent once the answer is on its way.
	Leave(ctx context.Context) (api.LeaveReport, error)
	// SetMeta and DeleteMeta write own metadata, and wait for the disk.
	SetMeta(ctx context.Context, key string, value []byte) (api.WriteReport, error)
	DeleteMeta(ctx context.Context, key string) (api.WriteReport, error)
}

// Config is what a Server is made of.
type Config struct {
	Node    Node
	Agent   Agent
	Metrics http.Handler // serves /metrics
	// Recent are the last messages that reached the node.
	Recent *recent.Log
	// MessageMax is the largest payload of a message, in bytes.
	MessageMax int
	Logger     *slog.Logger
	// Hosts are names by which tools may call this host, beside localhost and
	// literal addresses of its own.
	Hosts []string
	// RequireToken asks for the token on reads, too.
	RequireToken bool
	// Pprof serves profiles of the process, to this host alone.
	Pprof bool
}

// Server serves one agent. It is safe for concurrent use.
type Server struct {
	cfg     Config
	hosts   map[string]bool
	token   token
	mux     *http.ServeMux
	http    http.Server
	cancel  context.CancelFunc // ends the streams
	counter counter
}

// New returns a server that has no token.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, hosts: make(map[string]bool), mux: http.NewServeMux()}
	for _, h := range cfg.Hosts {
		s.hosts[canonicalHost(h)] = true
	}
	s.routes()
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = http.Server{
		Handler:           s.counter.count(s.protect(http.HandlerFunc(s.route))),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerMax,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }

// Serve answers on a listener, which it closes, until Shutdown; then it returns
// nil.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(Bound(l))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown ends the streams of events, lets other answers finish until ctx is
// done, and closes all connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// SetToken makes writes need a token, or not if it is empty.
func (s *Server) SetToken(text string) { s.token.set(text) }

// The paths of what takes the payload of a message as its body.
const (
	messagesPath = "messages/"
	firePath     = "/v1/event/fire/"
)

// bodyMax bounds the body of a request.
func (s *Server) bodyMax(r *http.Request) int64 {
	if path := r.URL.Path; strings.HasPrefix(path, api.Prefix+messagesPath) || strings.HasPrefix(path, firePath) {
		return int64(s.cfg.MessageMax)
	}
	return api.BodyMax
}

// routes is the table of endpoints.
func (s *Server) routes() {
	const v1 = api.Prefix
	for pattern, h := range map[string]handler{
		"GET " + v1 + "members":                s.members,
		"GET " + v1 + "members/{member}":       s.member,
		"GET " + v1 + "self":                   s.self,
		"GET " + v1 + "stats":                  s.stats,
		"GET " + v1 + "events":                 s.events,
		"POST " + v1 + "join":                  s.join,
		"POST " + v1 + "leave":                 s.leave,
		"POST " + v1 + "retire":                s.retire,
		"GET " + v1 + "meta":                   s.meta,
		"GET " + v1 + "meta/{key}":             s.metaValue,
		"PUT " + v1 + "meta/{key}":             s.setMeta,
		"DELETE " + v1 + "meta/{key}":          s.deleteMeta,
		"GET " + v1 + "meta-of/{member}":       s.metaOf,
		"PUT " + v1 + messagesPath + "{topic}": s.send,
		"POST " + v1 + "query":                 s.query,
		"GET " + v1 + "questions":              s.questions,
		"PUT " + v1 + "answers/{question}":     s.answer,
		"PUT " + firePath + "{name}":           plainly(s.fire),
		"GET /v1/event/list":                   plainly(s.fired),
		"GET /healthz":                         s.health,
		"GET /readyz":                          s.ready,
	} {
		s.mux.Handle(pattern, h)
	}
	s.mux.Handle("GET /metrics", s.cfg.Metrics)
	if s.cfg.Pprof {
		s.mux.Handle("GET /debug/pprof/", local(pprof.Index))
		s.mux.Handle("GET /debug/pprof/profile", local(pprof.Profile))
		s.mux.Handle("GET /debug/pprof/trace", local(pprof.Trace))
		s.mux.Handle("GET /debug/pprof/symbol", local(pprof.Symbol))
	}
}

// local serves profiles to this host alone, and for longer than other answers.
func local(h http.HandlerFunc) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !sameHost(r) {
			return refuse(http.StatusForbidden, api.ReasonRemoteWrite, "profiles are for this host alone")
		}
		if err := setDeadline(w, time.Now().Add(profileMax)); err != nil {
			return err
		}
		h(w, r)
		return nil
	}
}

// setDeadline replaces the limits of a connection for one long answer. The read
// deadline is part of it: when it passes, net/http takes the client for gone.
func setDeadline(w http.ResponseWriter, t time.Time) error {
	c := http.NewResponseController(w)
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// route answers requests for which there is no endpoint in JSON, too.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	plain, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	verdict := statusOnly{header: w.Header(), status: http.StatusOK}
	plain.ServeHTTP(&verdict, r) // sets Allow
	err := refuse(http.StatusNotFound, api.ReasonNotFound, "no such endpoint: "+r.URL.Path)
	if verdict.status == http.StatusMethodNotAllowed {
		err = refuse(verdict.status, api.ReasonMethod, r.Method+" is not for this endpoint, but "+w.Header().Get("Allow"))
	}
	writeError(w, err)
}

// statusOnly keeps the headers and status of an answer, and drops its text.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
