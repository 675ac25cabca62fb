package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const fewNodes = 8

// play makes a trial in this process. If goroutines of memberlist are left
// behind, the bubble panics.
func play(t *testing.T, j job) []figure {
	t.Helper()
	var figures []figure
	var err error
	if j.System == sysMemberlist {
		synctest.Test(t, func(*testing.T) { figures, err = measure(j) })
	} else {
		figures, err = measure(j)
	}
	if err != nil {
		t.Fatalf("%s: %v", j, err)
	}
	return figures
}

// value returns a figure, nil if it never came about.
func value(t *testing.T, figures []figure, name string) *float64 {
	t.Helper()
	i := slices.IndexFunc(figures, func(f figure) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no figure %q", name)
	}
	return figures[i].Value
}

func TestEveryRowCanBePlayed(t *testing.T) {
	for _, r := range rows() {
		for _, label := range r.labels() {
			t.Run(r.name+label, func(t *testing.T) {
				j := job{Row: r.name, Label: label, Nodes: fewNodes, Seed: 1, System: sysHearsay}
				ours := play(t, j)
				if len(ours) == 0 {
					t.Fatal("no figures")
				}
				if r.frozen {
					return
				}
				j.System = sysMemberlist
				theirs := play(t, j)
				if a, b := names(ours), names(theirs); !slices.EqualFunc(a, b, func(a, b figure) bool { return a.Name == b.Name && a.Kind == b.Kind }) {
					t.Errorf("figures differ: %v, %v", a, b)
				}
			})
		}
	}
}

// A crash is noticed by everybody, in a time that the timing of each library
// allows, and nobody else is accused.
func TestACrashIsNoticed(t *testing.T) {
	for _, system := range systems() {
		figures := play(t, job{Row: "crash", Nodes: fewNodes, Seed: 2, System: system})
		first, all := value(t, figures, "first knows"), value(t, figures, "everybody knows")
		if first == nil || all == nil || *first < 4 || *first > *all || *all > 30 {
			t.Errorf("%s: first %v, all %v", system, first, all)
		}
		if *value(t, figures, "FP") != 0 {
			t.Errorf("%s: false positives", system)
		}
	}
}

// deed is what a script did, and when after the fault began.
type deed struct {
	at   time.Duration
	what string
	node int
	span time.Duration
}

// recorder is a system that notes what is done to it.
type recorder struct {
	system
	deeds []deed
}

func (r *recorder) Start(i int, contacts ...int) error {
	for _, to := range contacts {
		r.deeds = append(r.deeds, deed{r.Now(), "join", to, 0})
	}
	r.deeds = append(r.deeds, deed{r.Now(), "start", i, 0})
	return r.system.Start(i, contacts...)
}

func (r *recorder) Stop(i int) error {
	r.deeds = append(r.deeds, deed{r.Now(), "stop", i, 0})
	return r.system.Stop(i)
}

func (r *recorder) Hold(nodes []int, d time.Duration) {
	for _, i := range nodes {
		r.deeds = append(r.deeds, deed{r.Now(), "hold", i, d})
	}
	r.system.Hold(nodes, d)
}

// The schedule of a trial does not depend on the system, but for the time that
// views need to become full before it.
func TestBothSystemsMeetTheSameSchedule(t *testing.T) {
	for _, name := range []string{"crash", "interval", "restart"} {
		r, _ := rowOf(name)
		schedule := func(system string) []deed {
			j := job{Row: name, Nodes: fewNodes, Seed: 3, System: system}
			w, err := j.open()
			if err != nil {
				t.Error(err)
				return nil
			}
			rec := &recorder{system: w.system}
			w.system = rec
			r.script(w, r.variant("", 0))
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			var deeds []deed
			for _, d := range rec.deeds {
				if d.at >= w.began {
					d.at -= w.began
					deeds = append(deeds, d)
				}
			}
			return deeds
		}
		var theirs []deed
		synctest.Test(t, func(*testing.T) { theirs = schedule(sysMemberlist) })
		if ours := schedule(sysHearsay); len(ours) == 0 || !slices.Equal(ours, theirs) {
			t.Errorf("%s: %v for hearsay, %v for memberlist", name, ours, theirs)
		}
	}
}

func TestOneSeedIsOneRunOfHearsay(t *testing.T) {
	j := job{Row: "loss", Label: "30 %", Nodes: fewNodes, Seed: 5, System: sysHearsay}
	traffic := func() float64 { return *value(t, play(t, j), "packets/node/s") }
	one, two := traffic(), traffic()
	j.Trial++
	if other := traffic(); one != two || one == other {
		t.Errorf("%v, %v, and %v in the next trial", one, two, other)
	}
}
