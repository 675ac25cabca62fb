package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

// joinMax bounds the addresses of one join: each is a dial.
const joinMax = 64

func (s *Server) members(w http.ResponseWriter, _ *http.Request) error {
	all := s.cfg.Node.Members()
	out := make([]api.Member, len(all))
	for i := range all {
		out[i] = memberOf(&all[i])
	}
	slices.SortFunc(out, func(a, b api.Member) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return ok(w, out)
}

func (s *Server) member(w http.ResponseWriter, r *http.Request) error {
	m, err := s.lookup(r.PathValue("member"))
	if err != nil {
		return err
	}
	return ok(w, memberOf(&m))
}

// lookup finds a member by ID, else by name: a name may look like an ID, but not
// be mistaken for one.
func (s *Server) lookup(nameOrID string) (hearsay.Member, error) {
	if id, err := member.ParseNodeID(nameOrID); err == nil {
		if m, found := s.cfg.Node.LookupID(id); found {
			return m, nil
		}
	}
	if m, found := s.cfg.Node.Lookup(nameOrID); found {
		return m, nil
	}
	return hearsay.Member{}, refuse(http.StatusNotFound, api.ReasonUnknownMember,
		hearsay.ErrUnknownMember.Error()+": "+quote(nameOrID))
}

func memberOf(m *hearsay.Member) api.Member {
	out := api.Member{
		Name: m.Name, ID: m.ID.String(), Address: m.Addr.String(), State: m.State.String(),
		Epoch: m.Epoch, Incarnation: m.Incarnation, Since: m.Since.UTC().Round(0),
		Accuser: idOf(m.Accuser), Conflict: m.NameConflict, Self: m.Self,
	}
	for _, a := range m.Addrs {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out
}

// idOf returns the text of an ID, empty for none.
func idOf(id member.NodeID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func (s *Server) self(w http.ResponseWriter, _ *http.Request) error {
	info := s.cfg.Agent.Describe()
	self, stats := s.cfg.Node.Self(), s.cfg.Node.Stats()
	info.Self = memberOf(&self)
	info.Root, info.Health, info.Counts = rootOf(&stats), stats.Health, countsOf(&stats)
	info.Facts, info.HotRumors = stats.Facts, stats.HotRumors
	info.Ready = s.cfg.Agent.Ready() == nil
	return ok(w, info)
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) error {
	st := s.cfg.Node.Stats()
	out := api.Stats{
		Counts: countsOf(&st), Health: st.Health, HotRumors: st.HotRumors, Facts: st.Facts, Root: rootOf(&st),
		Datagrams:     api.Traffic{Sent: st.DatagramsSent, Received: st.DatagramsReceived, SentBytes: st.DatagramBytesSent, ReceivedBytes: st.DatagramBytesReceived},
		Frames:        api.Traffic{Sent: st.FramesSent, Received: st.FramesReceived, SentBytes: st.StreamBytesSent, ReceivedBytes: st.StreamBytesReceived},
		StreamsOpened: st.StreamsOpened, StreamsOpen: st.StreamsOpen,
		Probes: st.Probes, ProbeFailures: st.ProbeFailures,
		Suspicions: st.Suspicions, Deaths: st.Deaths, FalseDeaths: st.FalseDeaths, Refutations: st.Refutations,
		Pauses: st.Pauses, Syncs: st.Syncs, Joins: st.Joins, JoinFailures: st.JoinFailures,
		Drops: make(map[string]uint64, len(st.Drops)),
	}
	for _, d := range st.Drops {
		out.Drops[d.Reason] = d.Count
	}
	return ok(w, out)
}

func countsOf(s *hearsay.Stats) api.Counts {
	return api.Counts{Alive: s.Alive, Suspect: s.Suspect, Dead: s.Dead, Left: s.Left}
}

// rootOf returns the root as 16 digits: JSON numbers are only safe up to 2^53.
func rootOf(s *hearsay.Stats) string {
	text := strconv.FormatUint(s.Root, 16)
	return strings.Repeat("0", 16-len(text)) + text
}

func (s *Server) join(w http.ResponseWriter, r *http.Request) error {
	var req api.JoinRequest
	if err := decode(r, &req); err != nil {
		return err
	}
	if n := len(req.Addrs); n == 0 || n > joinMax {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest, "want 1 to "+strconv.Itoa(joinMax)+" addrs")
	}
	// The check of a configuration is that of the addresses alone here.
	if err := (hearsay.Config{Name: "x", Insecure: true, Seeds: req.Addrs}).Validate(); err != nil {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest, err.Error())
	}
	ctx, cancel := context.WithTimeout(r.Context(), joinTimeout)
	defer cancel()
	contacts, err := s.cfg.Node.Join(ctx, req.Addrs...)
	if err != nil {
		if errors.Is(err, hearsay.ErrClosed) || errors.Is(err, hearsay.ErrLeft) {
			return err
		}
		return refuse(http.StatusBadGateway, api.ReasonUnreachable, err.Error())
	}
	return ok(w, api.JoinReport{Contacts: contacts})
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	if err := decode(r, &struct{}{}); err != nil {
		return err
	}
	// Who asked may go away; the goodbye goes on.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), leaveTimeout)
	defer cancel()
	report, err := s.cfg.Agent.Leave(ctx)
	if err != nil {
		return err
	}
	return ok(w, report)
}

func (s *Server) retire(w http.ResponseWriter, r *http.Request) error {
	var req api.RetireRequest
	if err := decode(r, &req); err != nil {
		return err
	}
	if err := s.cfg.Node.Retire(r.Context(), req.Member); err != nil {
		return err
	}
	return ok(w, struct{}{})
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	if err := s.cfg.Agent.Healthy(); err != nil {
		return refuse(http.StatusServiceUnavailable, api.ReasonClosed, err.Error())
	}
	return ok(w, status{"ok", s.cfg.Agent.Describe().Problem})
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	if err := s.cfg.Agent.Ready(); err != nil {
		return refuse(http.StatusServiceUnavailable, api.ReasonNotReady, err.Error())
	}
	return ok(w, status{Status: "ready"})
}

type status struct {
	Status  string `json:"status"`
	Problem string `json:"problem,omitempty"`
}
