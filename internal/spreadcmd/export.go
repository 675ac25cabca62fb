package spreadcmd

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/hearsay-gossip/hearsay/epidemic"
)

// number is a figure in JSON and CSV: seven significant digits, so that the last
// bits of a processor's floating point do not show, and null (or empty) if it
// does not exist.
type number float64

func (n number) String() string {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return ""
	}
	return strconv.FormatFloat(float64(n), 'g', 7, 64)
}

func (n number) MarshalJSON() ([]byte, error) {
	text := n.String()
	if text == "" {
		return []byte("null"), nil
	}
	return []byte(text), nil
}

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
	Loss        number            `json:"loss"`
	Dead        number            `json:"dead"`
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
	Residue     number            `json:"residue"`
	Copies      number            `json:"copies_per_node"`
	Requests    number            `json:"requests_per_node"`
	MeanReceipt number            `json:"mean_receipt"`
	LastReceipt number            `json:"last_receipt"`
	Curve       []curvePoint      `json:"curve"`
	Story       []storyRound      `json:"story,omitempty"`
}

// roundsReport is about the trials that reached all; their share is in reached.
type roundsReport struct {
	Mean          number `json:"mean"`
	StandardError number `json:"standard_error"`
	P50           whole  `json:"p50"`
	P99           whole  `json:"p99"`
	Max           whole  `json:"max"`
}

type theoryReport struct {
	Method      string `json:"method"`
	Rounds      number `json:"rounds"`
	RoundsError number `json:"rounds_error"`
	P50         whole  `json:"p50"`
	P99         whole  `json:"p99"`
	LowerBound  int    `json:"lower_bound"`
	Leading     number `json:"leading_order"`
	Least       number `json:"bound_least"`
	Most        number `json:"bound_most"`
	Residue     number `json:"residue"`
	Limit       number `json:"residue_limit"`
	AllFraction number `json:"all_fraction"`
	Copies      number `json:"copies_per_node"`
}

type reachedReport struct {
	All  number `json:"all_fraction"`
	Mean number `json:"mean_fraction"`
}

type curvePoint struct {
	Round     int    `json:"round"`
	Informed  number `json:"informed"`
	Theory    number `json:"theory"`
	All       number `json:"all"`
	TheoryAll number `json:"theory_all"`
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
		Order: cfg.Order, Loss: number(cfg.Loss), Dead: number(cfg.Dead), DeadFor: cfg.Outage, Start: cfg.Start,
		Updates: cfg.Updates, RoundLimit: cfg.Rounds, Trials: cfg.Trials, TrialsDone: r.Done, Seed: cfg.Seed,
		Rounds: roundsReport{
			number(r.Rounds.Mean()), number(r.Rounds.Error()),
			whole(r.Rounds.Quantile(.5)), whole(r.Rounds.Quantile(.99)), whole(r.Rounds.Quantile(1)),
		},
		Theory: theoryReport{
			Method: method, Rounds: number(th.Rounds), RoundsError: number(r.Rounds.Mean() - th.Rounds),
			P50: whole(th.Quantile(.5)), P99: whole(th.Quantile(.99)), LowerBound: th.LowerBound,
			Leading: number(th.Leading), Least: number(th.Least), Most: number(th.Most),
			Residue: number(o.residue()), Limit: number(th.Residue), AllFraction: number(th.All()), Copies: number(th.Copies),
		},
		Reached: reachedReport{number(r.ReachedAll()), number(r.ReachedMean())},
		Residue: number(r.Residue()), Copies: number(r.CopiesPerNode()), Requests: number(r.RequestsPerNode()),
		MeanReceipt: number(r.MeanReceipt()), LastReceipt: number(r.Last.Mean()),
		Curve: o.points(), Story: o.tale.story(),
	}
}

func (o *outcome) points() []curvePoint {
	var points []curvePoint
	for round, share := range o.result.Informed() {
		points = append(points, curvePoint{
			round, number(share), number(o.theory.InformedAt(round)),
			number(o.result.AllBy(round)), number(o.theory.AllByAt(round)),
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

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
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
