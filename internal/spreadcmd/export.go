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
	Orders      []orderReport     `json:"orders,omitempty"`
}

// orderReport is what the runs of a small cluster are in one order: the one that
// was told, with the same random seed, and the mean of many.
type orderReport struct {
	Order  epidemic.Order `json:"order"`
	Trials int            `json:"trials"`
	Theory theoryOrder    `json:"theory"`
	Rounds tabular.Number `json:"rounds_mean"`
	Copies tabular.Number `json:"copies_per_node"`
	Curve  []curvePoint   `json:"curve"`
	Story  []storyRound   `json:"story"`
}

// theoryOrder says which order a theory describes.
type theoryOrder struct {
	Method string         `json:"method"`
	Order  epidemic.Order `json:"order"`
	Rounds tabular.Number `json:"rounds"`
	Copies tabular.Number `json:"copies_per_node"`
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
	Method string `json:"method"`
	// Order is the one that the theory describes. Of order turn it is sync but in
	// clusters as small as the toy; the lower bound, the leading order and the
	// bounds are of sync always.
	Order       epidemic.Order `json:"order"`
	Rounds      tabular.Number `json:"rounds"`
	RoundsError tabular.Number `json:"rounds_error"`
	P50         whole          `json:"p50"`
	P99         whole          `json:"p99"`
	LowerBound  int            `json:"lower_bound"`
	// BoundApplies says whether the lower bound binds this run: not those in which
	// nodes ask, nor order turn.
	BoundApplies bool           `json:"lower_bound_applies"`
	Leading      tabular.Number `json:"leading_order"`
	Least        tabular.Number `json:"bound_least"`
	Most         tabular.Number `json:"bound_most"`
	Residue      tabular.Number `json:"residue"`
	Limit        tabular.Number `json:"residue_limit"`
	AllFraction  tabular.Number `json:"all_fraction"`
	Copies       tabular.Number `json:"copies_per_node"`
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
	return report{
		Nodes: cfg.Nodes, Live: cfg.Live(), Fanout: cfg.Fanout, Protocol: cfg.Protocol, Stop: cfg.StopValue(),
		Order: cfg.Order, Loss: tabular.Number(cfg.Loss), Dead: tabular.Number(cfg.Dead), DeadFor: cfg.Outage, Start: cfg.Start,
		Updates: cfg.Updates, RoundLimit: cfg.Rounds, Trials: cfg.Trials, TrialsDone: r.Done, Seed: cfg.Seed,
		Rounds: roundsReport{
			tabular.Number(r.Rounds.Mean()), tabular.Number(r.Rounds.Error()),
			whole(r.Rounds.Quantile(.5)), whole(r.Rounds.Quantile(.99)), whole(r.Rounds.Quantile(1)),
		},
		Theory: theoryReport{
			Method: method(th), Order: th.Order, Rounds: tabular.Number(th.Rounds), RoundsError: tabular.Number(r.Rounds.Mean() - th.Rounds),
			P50: whole(th.Quantile(.5)), P99: whole(th.Quantile(.99)), LowerBound: th.LowerBound, BoundApplies: boundApplies(cfg),
			Leading: tabular.Number(th.Leading), Least: tabular.Number(th.Least), Most: tabular.Number(th.Most),
			Residue: tabular.Number(o.residue()), Limit: tabular.Number(th.Residue), AllFraction: tabular.Number(th.All()), Copies: tabular.Number(th.Copies),
		},
		Reached: reachedReport{tabular.Number(r.ReachedAll()), tabular.Number(r.ReachedMean())},
		Residue: tabular.Number(r.Residue()), Copies: tabular.Number(r.CopiesPerNode()), Requests: tabular.Number(r.RequestsPerNode()),
		MeanReceipt: tabular.Number(r.MeanReceipt()), LastReceipt: tabular.Number(r.Last.Mean()),
		Curve: o.points(), Story: o.tale.story(), Orders: o.tale.orders(),
	}
}

func method(p *epidemic.Prediction) string {
	if p.Exact {
		return "exact Markov chain"
	}
	return "mean field"
}

func (o *outcome) points() []curvePoint { return points(o.result, &o.theory) }

// points are the rounds from 0 to the last that was asked for, or in which
// something happened.
func points(r *epidemic.Result, theory *epidemic.Prediction) []curvePoint {
	var points []curvePoint
	for round, share := range informed(r) {
		points = append(points, curvePoint{
			round, tabular.Number(share), tabular.Number(theory.InformedAt(round)),
			tabular.Number(r.AllBy(round)), tabular.Number(theory.AllByAt(round)),
		})
	}
	return points
}

// informed is the share informed after each round, to the last asked for: runs
// that have ended stay as they were.
func informed(r *epidemic.Result) []float64 {
	shares := r.Informed()
	for last := shares[len(shares)-1]; len(shares) <= r.Config.Rounds; {
		shares = append(shares, last)
	}
	return shares
}

// story is the run that was told.
func (t *tale) story() []storyRound {
	if t == nil {
		return nil
	}
	return storyOf(t.chapters)
}

// orders are both, turn first.
func (t *tale) orders() []orderReport {
	if t == nil {
		return nil
	}
	var reports []orderReport
	for _, v := range t.versions {
		reports = append(reports, orderReport{
			Order: v.result.Config.Order, Trials: v.result.Done,
			Theory: theoryOrder{method(&v.theory), v.theory.Order, tabular.Number(v.theory.Rounds), tabular.Number(v.theory.Copies)},
			Rounds: tabular.Number(v.result.Rounds.Mean()), Copies: tabular.Number(v.result.CopiesPerNode()),
			Curve: points(v.result, &v.theory), Story: storyOf(v.chapters),
		})
	}
	return reports
}

func storyOf(chapters []epidemic.Chapter) []storyRound {
	var story []storyRound
	for _, c := range chapters {
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

// writeCSV writes a row for each round. Of a small run the columns behind are the
// means of many in either order, and their theory.
func (o *outcome) writeCSV(w io.Writer) error {
	columns := []string{"informed", "theory", "all", "theory_all"}
	header := append([]string{"round"}, columns...)
	orders := o.tale.orders()
	for _, v := range orders {
		for _, column := range columns {
			header = append(header, v.Order.String()+"_"+column)
		}
	}
	records := [][]string{header}
	for i, p := range o.points() {
		record := append([]string{fmt.Sprint(p.Round)}, p.cells()...)
		for _, v := range orders {
			record = append(record, v.Curve[min(i, len(v.Curve)-1)].cells()...)
		}
		records = append(records, record)
	}
	return csv.NewWriter(w).WriteAll(records)
}

func (p curvePoint) cells() []string {
	return []string{p.Informed.String(), p.Theory.String(), p.All.String(), p.TheoryAll.String()}
}
