package spreadcmd

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// whole is a round in JSON, null if there is none.
type whole int

func (w whole) MarshalJSON() ([]byte, error) {
	if w < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(w), 10), nil
}

// report is what --json prints for one simulation. Shares are of live nodes,
// from 0 to 1.
type report struct {
	Nodes       int               `json:"nodes"`
	Live        int               `json:"live"`
	Fanout      int               `json:"fanout"`
	Protocol    epidemic.Protocol `json:"protocol"`
	Stop        int               `json:"stop,omitempty"`
	Order       epidemic.Order    `json:"order"`
	Loss        tabular.Number    `json:"loss"`
	Dead        tabular.Number    `json:"dead"`
	DeadFor     epidemic.Outage   `json:"dead_for"`
	Start       int               `json:"start"`
	Updates     int               `json:"updates"`
	RoundLimit  int               `json:"round_limit"`
	Trials      int               `json:"trials"`
	TrialsDone  int               `json:"trials_done"`
	Seed        uint64            `json:"seed"`
	Rounds      roundsReport      `json:"rounds"`
	Theory      theoryReport      `json:"theory"`
	Reached     reachedReport     `json:"reached"`
	Residue     tabular.Number    `json:"residue"`
	Copies      tabular.Number    `json:"copies_per_node"`
	Requests    tabular.Number    `json:"requests_per_node"`
	MeanReceipt tabular.Number    `json:"mean_receipt"`
	LastReceipt tabular.Number    `json:"last_receipt"`
	Curve       []curvePoint      `json:"curve"`
	Story       []storyRound      `json:"story,omitempty"`
}

// roundsReport is about the trials that reached all; their share is in reached.
type roundsReport struct {
	Mean          tabular.Number `json:"mean"`
	StandardError tabular.Number `json:"standard_error"`
	P50           whole          `json:"p50"`
	P99           whole          `json:"p99"`
	Max           whole          `json:"max"`
}

type theoryReport struct {
	Method      string         `json:"method"`
	Rounds      tabular.Number `json:"rounds"`
	RoundsError tabular.Number `json:"rounds_error"`
	P50         whole          `json:"p50"`
	P99         whole          `json:"p99"`
	LowerBound  int            `json:"lower_bound"`
	Leading     tabular.Number `json:"leading_order"`
	Least       tabular.Number `json:"bound_least"`
	Most        tabular.Number `json:"bound_most"`
	Residue     tabular.Number `json:"residue"`
	Limit       tabular.Number `json:"residue_limit"`
	AllFraction tabular.Number `json:"all_fraction"`
	Copies      tabular.Number `json:"copies_per_node"`
}

type reachedReport struct {
	All  tabular.Number `json:"all_fraction"`
	Mean tabular.Number `json:"mean_fraction"`
}

type curvePoint struct {
	Round     int            `json:"round"`
	Informed  tabular.Number `json:"informed"`
	Theory    tabular.Number `json:"theory"`
	All       tabular.Number `json:"all"`
	TheoryAll tabular.Number `json:"theory_all"`
}

type storyRound struct {
	Round int                 `json:"round"`
	Knows map[string][]string `json:"knows"`
	Sent  []storyContact      `json:"sent"`
}

type storyContact struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Updates []string `json:"updates"`
	News    []string `json:"news"`
	Lost    bool     `json:"lost"`
}

func (o *outcome) report() report {
	r, th, cfg := o.result, &o.theory, o.cfg
	method := "mean field"
	if th.Exact {
		method = "exact Markov chain"
	}
	return report{
		Nodes: cfg.Nodes, Live: cfg.Live(), Fanout: cfg.Fanout, Protocol: cfg.Protocol, Stop: cfg.StopValue(),
		Order: cfg.Order, Loss: tabular.Number(cfg.Loss), Dead: tabular.Number(cfg.Dead), DeadFor: cfg.Outage, Start: cfg.Start,
		Updates: cfg.Updates, RoundLimit: cfg.Rounds, Trials: cfg.Trials, TrialsDone: r.Done, Seed: cfg.Seed,
		Rounds: roundsReport{
			tabular.Number(r.Rounds.Mean()), tabular.Number(r.Rounds.Error()),
			whole(r.Rounds.Quantile(.5)), whole(r.Rounds.Quantile(.99)), whole(r.Rounds.Quantile(1)),
		},
		Theory: theoryReport{
			Method: method, Rounds: tabular.Number(th.Rounds), RoundsError: tabular.Number(r.Rounds.Mean() - th.Rounds),
			P50: whole(th.Quantile(.5)), P99: whole(th.Quantile(.99)), LowerBound: th.LowerBound,
			Leading: tabular.Number(th.Leading), Least: tabular.Number(th.Least), Most: tabular.Number(th.Most),
			Residue: tabular.Number(o.residue()), Limit: tabular.Number(th.Residue), AllFraction: tabular.Number(th.All()), Copies: tabular.Number(th.Copies),
		},
		Reached: reachedReport{tabular.Number(r.ReachedAll()), tabular.Number(r.ReachedMean())},
		Residue: tabular.Number(r.Residue()), Copies: tabular.Number(r.CopiesPerNode()), Requests: tabular.Number(r.RequestsPerNode()),
		MeanReceipt: tabular.Number(r.MeanReceipt()), LastReceipt: tabular.Number(r.Last.Mean()),
		Curve: o.points(), Story: o.tale.story(),
	}
}

func (o *outcome) points() []curvePoint {
	var points []curvePoint
	for round, share := range o.result.Informed() {
		points = append(points, curvePoint{
			round, tabular.Number(share), tabular.Number(o.theory.InformedAt(round)),
			tabular.Number(o.result.AllBy(round)), tabular.Number(o.theory.AllByAt(round)),
		})
	}
	return points
}

func (t *tale) story() []storyRound {
	if t == nil {
		return nil
	}
	var story []storyRound
	for _, c := range t.chapters {
		round := storyRound{Round: c.Round, Knows: map[string][]string{}, Sent: []storyContact{}}
		for i, set := range c.Knows {
			round.Knows[nodeName(i)] = updateList(set)
		}
		for _, s := range c.Sent {
			round.Sent = append(round.Sent, storyContact{
				nodeName(s.From), nodeName(s.To), updateList(s.Updates), updateList(s.Fresh), s.Lost,
			})
		}
		story = append(story, round)
	}
	return story
}

func updateList(set uint64) []string {
	names := []string{}
	for u := range epidemic.MaxUpdates {
		if set>>u&1 != 0 {
			names = append(names, updateName(u))
		}
	}
	return names
}

func (o *outcome) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	records := [][]string{{"round", "informed", "theory", "all", "theory_all"}}
	for _, p := range o.points() {
		records = append(records, []string{
			fmt.Sprint(p.Round), p.Informed.String(), p.Theory.String(), p.All.String(), p.TheoryAll.String(),
		})
	}
	return out.WriteAll(records)
}
