package maelstrom

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// past builds a history from a script, a word an event: "+3" and "+3ok" are the
// invocation and the end of an add, "+3fail" and "+3info" other ends; "r1" begins
// the read 1 and "r1=3,4" ends it. Events are 10 ms apart.
func past(t *testing.T, script string) []*Op {
	t.Helper()
	h := &history{}
	adds, reads := make(map[int]*Op), make(map[string]*Op)
	for i, word := range strings.Fields(script) {
		now := time.Duration(i) * 10 * ms
		if rest, isAdd := strings.CutPrefix(word, "+"); isAdd {
			digits := strings.TrimRight(rest, "abcdefghijklmnopqrstuvwxyz")
			k, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatal(err)
			}
			switch rest[len(digits):] {
			case "":
				adds[k] = &Op{Type: "broadcast", Element: k}
				h.invoke(adds[k], now)
			case "ok":
				h.complete(adds[k], OK, now)
			case "fail":
				h.complete(adds[k], Failed, now)
			default:
				h.complete(adds[k], Indefinite, now)
			}
			continue
		}
		name, values, ends := strings.Cut(word, "=")
		if !ends {
			reads[name] = &Op{Type: "read"}
			h.invoke(reads[name], now)
			continue
		}
		reads[name].Reply = map[string]json.RawMessage{"messages": json.RawMessage("[" + values + "]")}
		h.complete(reads[name], OK, now)
	}
	return h.ops
}

func TestSetFull(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"present from the first read on", "+1 +1ok r1 r1=1", "stable 1, lost [], never [], latency 0s, known true"},
		{"late, and then for good", "+1 +1ok r1 r1= r2 r2=1", "stable 1, lost [], never [], latency 10ms, known true"},
		{"absent from a read that began before it was known", "+1 r1 +1ok r1= r2 r2=1", "stable 1, lost [], never [], latency 0s, known true"},
		{"gone after it was seen", "+1 +1ok r1 r1=1 r2 r2=", "stable 0, lost [1], never [], latency 0s, known false"},
		{"never there", "+1 +1ok r1 r1=", "stable 0, lost [1], never [], latency 0s, known false"},
		{"no read after it was known", "r1 +1 +1ok r1=", "stable 0, lost [], never [1], latency 0s, known false"},
		{"read before it was acknowledged, then gone", "+1 r1 r1=1 r2 r2= +1ok", "stable 0, lost [1], never [], latency 0s, known false"},
		{"indefinite, and there", "+1 +1info r1 r1=1", "stable 1, lost [], never [], latency 0s, known true"},
		{"indefinite, and not there", "+1 +1info r1 r1=", "stable 0, lost [], never [1], latency 0s, known false"},
		{"reads count by their beginning", "+1 +1ok r1 r2 r2=1 r1=", "stable 1, lost [], never [], latency 10ms, known true"},
		{"added after the read", "r1 r1= +1 +1ok r2 r2=1", "stable 1, lost [], never [], latency 0s, known true"},
	} {
		r := &Result{}
		checkSet(past(t, c.script), "broadcast", "messages", r)
		got := fmt.Sprintf("stable %d, lost %v, never %v, latency %v, known %v",
			r.Set.Stable, r.Set.Lost, r.Set.NeverRead, r.Set.Latency.Max, !r.Unknown)
		if got != c.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", c.name, c.script, got, c.want)
		}
		if valid := !strings.Contains(c.want, "lost [1]") && !r.Unknown; r.Valid() != valid {
			t.Errorf("%s: valid is %v, problems %q", c.name, r.Valid(), r.Problems)
		}
	}
}

func TestDuplicatesAndStrangersAreFlagged(t *testing.T) {
	r := &Result{}
	checkSet(past(t, "+1 +1ok r1 r1=1,1,2,2,2"), "broadcast", "messages", r)
	if got := fmt.Sprint(r.Set.Duplicated, r.Set.Unexpected); got != "[1 2] [2]" || r.Valid() {
		t.Errorf("%s, valid %v", got, r.Valid())
	}
}

func TestQuantilesTakeTheFloor(t *testing.T) {
	var of []time.Duration
	for i := range 25 {
		of = append(of, time.Duration(25-i)*ms)
	}
	if got := quantiles(of).String(); got != "13 / 24 / 25 / 25 ms" {
		t.Error(got)
	}
	if got := quantiles(nil); got != (Quantiles{}) {
		t.Error(got)
	}
}
