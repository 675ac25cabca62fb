package epidemic

import "math"

// Tally counts whole numbers: Tally[v] is how often v came up. Sums of whole
// numbers do not depend on their order, so trials may end in any.
type Tally []int

func (t *Tally) add(v int) {
	for len(*t) <= v {
		*t = append(*t, 0)
	}
	(*t)[v]++
}

func (t *Tally) merge(other Tally) {
	for len(*t) < len(other) {
		*t = append(*t, 0)
	}
	for v, n := range other {
		(*t)[v] += n
	}
}

// Count returns how many numbers were counted.
func (t Tally) Count() int {
	n := 0
	for _, c := range t {
		n += c
	}
	return n
}

// Mean returns the average, NaN of nothing.
func (t Tally) Mean() float64 {
	n, sum := 0, 0
	for v, c := range t {
		n += c
		sum += v * c
	}
	return float64(sum) / float64(n)
}

// Error returns the standard error of the mean, NaN of fewer than two numbers.
func (t Tally) Error() float64 {
	mean, n, sum := t.Mean(), 0, 0.0
	for v, c := range t {
		n += c
		sum += float64(c) * (float64(v) - mean) * (float64(v) - mean)
	}
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(sum / float64(n-1) / float64(n))
}

// Quantile returns the smallest number that at least a share q of the numbers
// do not exceed, or -1 of nothing. Quantile(1) is the maximum.
func (t Tally) Quantile(q float64) int {
	total := t.Count()
	if total == 0 {
		return -1
	}
	need := max(1, int(math.Ceil(q*float64(total))))
	seen := 0
	for v, c := range t {
		if seen += c; seen >= need {
			return v
		}
	}
	return len(t) - 1
}

// Upto returns how many numbers are at most v.
func (t Tally) Upto(v int) int {
	n := 0
	for _, c := range t[:min(v+1, len(t))] {
		n += c
	}
	return n
}

// Result is the outcome of many trials of one Config.
type Result struct {
	Config Config
	// Done is the number of trials that ended. It is less than Config.Trials
	// only if the run was interrupted.
	Done int
	// Rounds counts the rounds until all live nodes knew all updates, of the
	// trials in which they did. Its Count over Done is the share of complete
	// trials; an average over those alone flatters.
	Rounds Tally
	// Last counts the round in which somebody learnt something last, over all
	// trials.
	Last Tally
	// Quiet counts the rounds played until all knew, nobody spread any more,
	// or the limit was reached, over all trials.
	Quiet Tally

	// informed[r] is the sum over trials of (live node, update) pairs in which
	// the node knew after round r; a trial that ended counts on.
	informed []int
	copies   uint64
	requests uint64
}

// pairs is the number of (live node, update) pairs of all trials.
func (r *Result) pairs() float64 {
	return float64(r.Done) * float64(r.Config.Live()) * float64(r.Config.Updates)
}

// Informed returns, per round from 0 on, the mean share of live nodes that
// knew; with several updates, the mean over them.
func (r *Result) Informed() []float64 {
	shares := make([]float64, len(r.informed))
	for i, n := range r.informed {
		shares[i] = float64(n) / r.pairs()
	}
	return shares
}

// ReachedAll is the share of trials in which every live node learnt everything.
func (r *Result) ReachedAll() float64 { return float64(r.Rounds.Count()) / float64(r.Done) }

// ReachedMean is the mean share of live nodes reached in the end.
func (r *Result) ReachedMean() float64 {
	if len(r.informed) == 0 {
		return math.NaN()
	}
	return float64(r.informed[len(r.informed)-1]) / r.pairs()
}

// Residue is the mean share of live nodes never reached.
func (r *Result) Residue() float64 { return 1 - r.ReachedMean() }

// AllBy is the share of trials in which all knew after at most that many rounds.
func (r *Result) AllBy(round int) float64 {
	return float64(r.Rounds.Upto(round)) / float64(r.Done)
}

// CopiesPerNode is the mean number of payloads sent per live node and update,
// lost and useless ones included, until the trial ended.
func (r *Result) CopiesPerNode() float64 { return float64(r.copies) / r.pairs() }

// RequestsPerNode is the mean number of requests sent per live node by nodes
// that lacked an update. Nodes that lack nothing ask too in a real system, but
// not because of this update.
func (r *Result) RequestsPerNode() float64 {
	return float64(r.requests) / r.pairs() * float64(r.Config.Updates)
}

// MeanReceipt is the mean round in which a reached node learnt an update, the
// t_ave of Demers et al.
func (r *Result) MeanReceipt() float64 {
	if len(r.informed) == 0 {
		return math.NaN()
	}
	end := r.informed[len(r.informed)-1]
	sum := 0
	for _, n := range r.informed[:len(r.informed)-1] {
		sum += end - n
	}
	return float64(sum) / float64(end)
}

// count adds one finished trial; growth[i] is its informed pairs after round i.
func (r *Result) count(t *trial, growth []int) {
	r.Done++
	if t.complete() {
		r.Rounds.add(t.lastRound())
	}
	r.Last.add(t.lastRound())
	r.Quiet.add(t.round)
	r.copies += t.copies
	r.requests += t.requests
	r.informed = addCurve(r.informed, growth, r.Done-1)
}

// merge adds the trials of another worker.
func (r *Result) merge(other *Result) {
	if other.Done == 0 {
		return
	}
	r.Rounds.merge(other.Rounds)
	r.Last.merge(other.Last)
	r.Quiet.merge(other.Quiet)
	r.copies += other.copies
	r.requests += other.requests
	r.informed = addCurve(r.informed, other.informed, r.Done)
	r.Done += other.Done
}

// addCurve adds two sums of curves, each of which stays at its last value. The
// first is of trials that may be none.
func addCurve(sum, more []int, trials int) []int {
	held := 0
	if trials > 0 {
		held = sum[len(sum)-1]
	}
	for len(sum) < len(more) {
		sum = append(sum, held)
	}
	for i := range sum {
		sum[i] += more[min(i, len(more)-1)]
	}
	return sum
}
