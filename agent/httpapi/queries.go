package httpapi

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/member"
)

// queryMax bounds how long answers to a query are waited for.
const queryMax = 10 * time.Minute

// query asks members, and streams what they answer as server-sent events: the
// stats are the last.
func (s *Server) query(w http.ResponseWriter, r *http.Request) error {
	var req api.QueryRequest
	if err := decode(r, &req); err != nil {
		return err
	}
	if !(req.TimeoutSeconds >= 0 && req.TimeoutSeconds <= queryMax.Seconds()) {
		return refuse(http.StatusBadRequest, api.ReasonBadRequest,
			"timeout_seconds: want 0 to "+strconv.FormatFloat(queryMax.Seconds(), 'f', -1, 64))
	}
	// The query ends with its reader.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answers, err := s.cfg.Node.Query(ctx, hearsay.Query{
		Topic: req.Topic, Payload: req.Payload, WantAck: req.WantAck,
		Timeout: time.Duration(req.TimeoutSeconds * float64(time.Second)),
		Filter:  hearsay.Filter{Names: req.Filter.Names, Tags: tagsOf(req.Filter.Tags), Zone: req.Filter.Zone},
	})
	if err != nil {
		return err
	}
	return s.stream(w, r, func(ctx context.Context, news chan<- any) {
		stop := context.AfterFunc(ctx, cancel)
		defer stop()
		for a := range answers.All() {
			select {
			case news <- api.QueryNews{Answer: &api.Answer{
				ID: idOf(a.ID), Name: a.Name, Payload: a.Payload, ElapsedSeconds: a.Elapsed.Seconds(), Lagged: a.Lagged,
			}}:
			case <-ctx.Done():
				return
			}
		}
		st := answers.Stats()
		select {
		case news <- api.QueryNews{Stats: &api.QueryStats{
			Live: st.Live, Reached: st.Reached, Acks: st.Acks, Answers: st.Answers, ElapsedSeconds: st.Elapsed.Seconds(),
		}}:
		case <-ctx.Done():
		}
	})
}

// tagsOf returns the conditions of a filter in a fixed order.
func tagsOf(all map[string]string) []hearsay.Tag {
	var tags []hearsay.Tag
	for _, key := range slices.Sorted(maps.Keys(all)) {
		tags = append(tags, hearsay.Tag{Key: key, Value: all[key]})
	}
	return tags
}

// filterOf reads ?node=, ?tag=key=value, both repeated, and ?zone=. An empty one
// is none.
func filterOf(q url.Values) (f hearsay.Filter, err error) {
	f.Zone = q.Get("zone")
	if f.Names, err = namesOf(q); err != nil {
		return f, err
	}
	for _, tag := range q["tag"] {
		key, value, found := strings.Cut(tag, "=")
		if !found || key == "" {
			return f, refuse(http.StatusBadRequest, api.ReasonBadFilter, "tag: want key=value, not "+quote(tag))
		}
		f.Tags = append(f.Tags, hearsay.Tag{Key: key, Value: value})
	}
	return f, nil
}

// namesOf reads ?node=. What no name can match is refused, since it was meant
// otherwise: as a regular expression, most of all.
func namesOf(q url.Values) (names []string, err error) {
	for _, name := range q["node"] {
		if name == "" {
			continue
		}
		if literal := strings.ReplaceAll(name, "*", ""); literal != "" && member.Name(literal).Validate() != nil {
			return nil, refuse(http.StatusBadRequest, api.ReasonBadFilter,
				"node: want a name, in which * stands for any text, and no regular expression: "+quote(name))
		}
		names = append(names, name)
	}
	return names, nil
}

// questions streams the queries that this node is asked, on the topics of
// ?topic= or on all, as server-sent events.
func (s *Server) questions(w http.ResponseWriter, r *http.Request) error {
	topics := r.URL.Query()["topic"]
	return s.stream(w, r, func(ctx context.Context, questions chan<- any) {
		for q := range s.cfg.Node.Questions(ctx, topics...) {
			select {
			case questions <- questionOf(&q):
			case <-ctx.Done():
				return
			}
		}
	})
}

func questionOf(q *hearsay.Question) api.Question {
	if q.Lagged > 0 {
		return api.Question{Lagged: q.Lagged}
	}
	id := hearsay.MessageID{Origin: q.AskerID, Epoch: q.Epoch, Seq: q.Seq}
	return api.Question{
		ID: id.String(), Topic: q.Topic, Payload: q.Payload, Asker: idOf(q.AskerID), AskerName: q.AskerName,
		Deadline: q.Deadline.UTC().Round(0), SecondsLeft: time.Until(q.Deadline).Seconds(),
	}
}

// answer answers a question with the body of the request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) error {
	q, known := questionNamed(r.PathValue("question"))
	if !known {
		return refuse(http.StatusNotFound, api.ReasonUnknownQuery, "no such question: "+quote(r.PathValue("question")))
	}
	payload, err := s.payload(w, r)
	if err != nil {
		return err
	}
	if err := s.cfg.Node.Answer(r.Context(), q, payload); err != nil {
		return err
	}
	return ok(w, struct{}{})
}

// questionNamed reads the ID of a question.
func questionNamed(text string) (q hearsay.Question, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return q, false
	}
	id, err1 := member.ParseNodeID(parts[0])
	epoch, err2 := strconv.ParseUint(parts[1], 10, 64)
	seq, err3 := strconv.ParseUint(parts[2], 10, 64)
	q.AskerID, q.Epoch, q.Seq = id, epoch, seq
	return q, err1 == nil && err2 == nil && err3 == nil
}
