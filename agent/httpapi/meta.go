package httpapi

import (
	"maps"
	"net/http"
	"slices"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

func (s *Server) meta(w http.ResponseWriter, _ *http.Request) error {
	return ok(w, s.facts(s.cfg.Node.Self().ID))
}

func (s *Server) metaOf(w http.ResponseWriter, r *http.Request) error {
	m, err := s.lookup(r.PathValue("member"))
	if err != nil {
		return err
	}
	return ok(w, s.facts(m.ID))
}

// facts returns what a member publishes, ordered by key; never nil.
func (s *Server) facts(id member.NodeID) []api.Fact {
	all := s.cfg.Node.MetaOf(id)
	out := make([]api.Fact, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, api.Fact{Key: key, Value: all[key]})
	}
	return out
}

func (s *Server) metaValue(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	value, found := s.cfg.Node.MetaOf(s.cfg.Node.Self().ID)[key]
	if !found {
		return refuse(http.StatusNotFound, api.ReasonUnknownKey, "no such key: "+quote(key))
	}
	return ok(w, api.Fact{Key: key, Value: value})
}

func (s *Server) setMeta(w http.ResponseWriter, r *http.Request) error {
	if err := noCondition(r); err != nil {
		return err
	}
	var req api.FactWrite
	if err := decode(r, &req); err != nil {
		return err
	}
	if req.Value == nil {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest, "value is missing")
	}
	report, err := s.cfg.Agent.SetMeta(r.Context(), r.PathValue("key"), req.Value)
	if err != nil {
		return err
	}
	return ok(w, report)
}

func (s *Server) deleteMeta(w http.ResponseWriter, r *http.Request) error {
	if err := noCondition(r); err != nil {
		return err
	}
	report, err := s.cfg.Agent.DeleteMeta(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	return ok(w, report)
}

// noCondition refuses writes that depend on what others have written: to decide
// that takes agreement.
func noCondition(r *http.Request) error {
	if r.URL.Query().Has("cas") || r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "" {
		return hearsay.ErrConsensus
	}
	return nil
}
