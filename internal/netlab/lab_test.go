package netlab

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// recorder is a fabric that writes down what it is told.
type recorder struct{ told []string }

func (r *recorder) note(format string, args ...any) error {
	r.told = append(r.told, fmt.Sprintf(format, args...))
	return nil
}

func (r *recorder) ready() (bool, error)            { return true, nil }
func (r *recorder) cut(pairs []pair) error          { return r.note("cut %v", pairs) }
func (r *recorder) heal() error                     { return r.note("heal") }
func (r *recorder) loss(percent int) error          { return r.note("loss %d", percent) }
func (r *recorder) setPath(p pair, path Path) error { return r.note("path %v %v", p, path.Loss) }
func (r *recorder) close() error                    { return r.note("close") }

func paperLab(n int) (*Lab, *recorder) {
	r := new(recorder)
	return &Lab{hosts: make([]*Host, n), fabric: r}, r
}

func TestFaultsReachTheSwitchAsOrderedPairs(t *testing.T) {
	lab, r := paperLab(4)
	err := errors.Join(
		lab.Cut([]int{0}, []int{1, 0}),
		lab.CutBoth([]int{0, 1}, []int{3}),
		lab.Cut([]int{2}, []int{2}),
		lab.Cut(nil, []int{1}),
		lab.SetPath(3, 0, Path{Loss: 7}),
		lab.Loss(20),
		lab.Heal(),
	)
	want := []string{
		"cut [{0 1}]", "cut [{0 3} {1 3} {3 0} {3 1}]", "path {3 0} 7", "loss 20", "heal",
	}
	if err != nil || !slices.Equal(r.told, want) {
		t.Errorf("told %q, %v\nwant %q", r.told, err, want)
	}
}

func TestWrongFaultsAreRefusedBeforeTheSwitch(t *testing.T) {
	lab, r := paperLab(2)
	for call, err := range map[string]error{
		"cut":      lab.Cut([]int{0}, []int{2}),
		"cut both": lab.CutBoth([]int{-1}, []int{1}),
		"path":     lab.SetPath(0, 2, Path{}),
	} {
		if !errors.Is(err, ErrNoHost) {
			t.Errorf("%s: %v, want ErrNoHost", call, err)
		}
	}
	for call, err := range map[string]error{
		"loss -1":   lab.Loss(-1),
		"loss 101":  lab.Loss(101),
		"own path":  lab.SetPath(1, 1, Path{}),
		"path loss": lab.SetPath(0, 1, Path{Loss: 101}),
	} {
		if err == nil {
			t.Errorf("%s was accepted", call)
		}
	}
	if len(r.told) != 0 {
		t.Errorf("the switch was told %q", r.told)
	}
}

func TestLabSizeIsChecked(t *testing.T) {
	for _, n := range []int{-1, 0, MaxHosts + 1} {
		if _, err := New(t, n); err == nil || errors.Is(err, ErrUnsupported) {
			t.Errorf("%d hosts: %v", n, err)
		}
	}
	if _, err := NewTAP(t, 2, 1, Path{Loss: 200}); err == nil || errors.Is(err, ErrUnsupported) {
		t.Errorf("impossible path: %v", err)
	}
}

// verdict records what demand did to a test.
type verdict struct{ skipped, failed string }

func (v *verdict) Helper()                           {}
func (v *verdict) Skipf(format string, args ...any)  { v.skipped = fmt.Sprintf(format, args...) }
func (v *verdict) Fatalf(format string, args ...any) { v.failed = fmt.Sprintf(format, args...) }

func TestUnsupportedSkipsAtHomeAndFailsInCI(t *testing.T) {
	reason := fmt.Errorf("%w: no nft", ErrUnsupported)
	for _, c := range []struct {
		err  error
		ci   bool
		want verdict
	}{
		{nil, false, verdict{}},
		{nil, true, verdict{}},
		{reason, false, verdict{skipped: reason.Error()}},
		{reason, true, verdict{failed: "CI must run this test: " + reason.Error()}},
	} {
		var got verdict
		demand(&got, c.err, c.ci)
		if got != c.want {
			t.Errorf("demand(%v, ci=%v) = %+v, want %+v", c.err, c.ci, got, c.want)
		}
	}
}
