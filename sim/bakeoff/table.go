package bakeoff

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Legend says what the columns of [Table] are.
const Legend = `t50, t99, t100: when that share of the live nodes had the event, in ms; the median of events, ∞ if it never did.
Missed: events that missed a live node to the end. Coverage in %: 0.7 s after publication, without anti-entropy at the
end, and with it. Per live node and event: payload copies, other messages, and bytes of all that is not payload, 68 B
of headers and seal a datagram included. Egress: what the busiest node sent, in kB an event. Hop: of the last delivery.
Repairs an event: spans given to another member, grafts, prunes. Pulled: deliveries that had to be asked for, and the
median of when they came. Receipt: when it was done, and how many nodes it said too many or too few.
`

// Brief renders the columns that decide, as Markdown.
func Brief(rows []Row) string {
	var b strings.Builder
	b.WriteString("| faults | strategy | t50 | t99 | t100 | within 0.7 s, % | copies | messages | bytes | egress, kB |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range rows {
		o := &rows[i].Whole
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", rows[i].Cell.String(), o.Strategy,
			milliseconds(o.T50), milliseconds(o.T99), milliseconds(o.T100), percent(o.At07),
			tabular.Fixed(o.Copies, 2), tabular.Fixed(o.Control, 1), tabular.Fixed(o.ControlBytes, 0), tabular.Fixed(o.Egress/1000, 1))
	}
	return b.String()
}

// Table renders rows as Markdown.
func Table(rows []Row) string {
	var b strings.Builder
	b.WriteString("| links | faults, load | strategy | t50 | t99 | t100 | missed | 0.7 s | alone | end | copies | messages | bytes | egress | hop | redelegated, grafted, pruned | pulled | receipt |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range rows {
		rows[i].write(&b)
	}
	return b.String()
}

func (r *Row) write(b *strings.Builder) {
	o := &r.Whole
	alone := tabular.Absent
	if r.Alone.Runs > 0 {
		alone = percent(r.Alone.AtEnd)
	}
	cells := []string{
		r.Cell.Links.String(), r.Cell.String(), o.Strategy,
		milliseconds(o.T50), milliseconds(o.T99), milliseconds(o.T100), percent(o.Incomplete),
		percent(o.At07), alone, percent(o.AtEnd),
		tabular.Fixed(o.Copies, 3), tabular.Fixed(o.Control, 2), tabular.Fixed(o.ControlBytes, 0),
		tabular.Fixed(o.Egress/1000, 1), fmt.Sprint(o.Hop),
		fmt.Sprintf("%s, %s, %s", tabular.Fixed(o.Redelegations, 1), tabular.Fixed(o.Grafts, 1), tabular.Fixed(o.Prunes, 1)),
		pulled(o), receipt(o),
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func milliseconds(d time.Duration) string {
	if d == time.Duration(far) {
		return "∞"
	}
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return tabular.Fixed(ms, 2)
	}
	return tabular.Fixed(ms, 0)
}

// percent keeps a miss visible: a share below one never prints as 100.
func percent(share float64) string {
	switch {
	case share == 0 || share == 1:
		return tabular.Fixed(100*share, 0)
	case share > 0.99994: // would print as 100.00
		return ">99.99"
	}
	return tabular.Fixed(100*share, 2)
}

func pulled(o *Outcome) string {
	if o.Pulled == 0 {
		return tabular.Absent
	}
	return fmt.Sprintf("%s %% at %s", percent(o.Pulled), milliseconds(o.Repair))
}

func receipt(o *Outcome) string {
	if o.Receipts == 0 {
		return tabular.Absent
	}
	s := fmt.Sprintf("%s, +%s −%s", milliseconds(o.ReceiptAt), tabular.Fixed(o.Over, 2), tabular.Fixed(o.Under, 2))
	if o.Receipts < 1 {
		s += fmt.Sprintf(", %s %% done", percent(o.Receipts))
	}
	return s
}

// Alarms returns what must not be: an event delivered twice or, by the one strategy
// that keeps order, out of it; events refused, and packets lost to full sockets.
func Alarms(rows []Row) []string {
	var alarms []string
	for i := range rows {
		r := &rows[i]
		for _, o := range []*Outcome{&r.Whole, &r.Alone} {
			disorder := o.Disorder
			if o.Strategy != "delegation" {
				disorder = 0
			}
			if o.Twice+disorder+o.Refused+o.Overrun > 0 {
				alarms = append(alarms, fmt.Sprintf("%d nodes, %v, %v, %s: %d delivered twice, %d out of order, %d refused, %d packets overran a socket",
					r.Cell.Nodes, r.Cell.Links, r.Cell.String(), o.Strategy, o.Twice, disorder, o.Refused, o.Overrun))
			}
		}
	}
	return alarms
}
