package hearsay

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// logger writes what happens to a node. Messages are constant; debug is for
// what a peer or a packet does, info for changes of the membership, warn for
// what is degraded, error for what a human must see to.
type logger struct{ *slog.Logger }

func newLogger(c Config) logger { return logger{c.Logger.With("node", c.Name)} }

func (l logger) started(addr netip.AddrPort, insecure bool) {
	l.Info("node started", "addr", addr)
	if insecure {
		l.Warn("node is insecure: anybody who reaches it can read and forge its traffic")
	}
}

func (l logger) failed(err error) { l.Error("node stopped", "err", err) }

func (l logger) joined(addr netip.AddrPort) { l.Info("joined", "addr", addr) }

func (l logger) joinFailed(problem string) { l.Warn("join failed, retrying", "err", problem) }

func (l logger) seeds(found int, problem string) {
	if problem == "" {
		l.Info("seeds resolved", "addrs", found)
		return
	}
	l.Warn("seeds not resolved, retrying", "addrs", found, "err", problem)
}

func (l logger) unanswered(q *Question, err error) {
	l.Debug("query not answered", "peer", q.AskerName, "seq", q.Seq, "err", err)
}

func (l logger) streamFailed(addr netip.AddrPort, err error) {
	l.Debug("stream failed", "addr", addr, "err", err)
}

func (l logger) clockJumped(ahead time.Duration) {
	l.Warn("clock jumped: suspended, or set", "ahead", ahead)
}

func (l logger) dropped(reason string, count uint64) {
	level := slog.LevelWarn
	if ordinary[reason] {
		level = slog.LevelDebug
	}
	l.Log(context.Background(), level, "dropped", "reason", reason, "count", count)
}

// event writes one line for an event that people read; facts are too many for
// more than debug.
func (l logger) event(e *Event) {
	peer := slog.String("peer", e.Member.Name)
	id := slog.String("id", e.Member.ID.Short())
	switch e.Kind {
	case Joined:
		l.Info("member joined", peer, id, "addr", e.Member.Addr)
	case Updated:
		l.Info("member updated", peer, id, "addr", e.Member.Addr, "incarnation", e.Member.Incarnation)
	case Suspected:
		l.Info("member suspected", peer, id, "by", e.By.Short())
	case Recovered:
		l.Info("member recovered", peer, id, "incarnation", e.Member.Incarnation)
	case Died:
		l.Info("member died", peer, id, "reason", e.Reason, "by", e.By.Short())
	case Left:
		l.Info("member left", peer, id, "reason", e.Reason)
	case Forgotten:
		l.Info("member forgotten", peer, id)
	case NameConflict:
		l.Warn("name conflict", peer, id, "holder", e.By.Short())
	case NameResolved:
		l.Info("name resolved", peer, id)
	case SelfRefuted:
		l.Info("accusation refuted", "by", e.By.Short(), "incarnation", e.Member.Incarnation)
	case IdentityOutdated:
		l.Error("identity outdated: the disk was rolled back, or another node has this key")
	case Paused:
		l.Warn("node was paused", "elapsed", e.Elapsed)
	case HealthChanged:
		l.Info("local health changed", "score", e.Count)
	case FactSet, FactDeleted:
		l.Debug("fact changed", peer, id, "key", e.Key, "kind", e.Kind.String(), "hops", e.Hops)
	}
}
