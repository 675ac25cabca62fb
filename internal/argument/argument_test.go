package argument

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSharesAreReadAsPercentOrFraction(t *testing.T) {
	for text, want := range map[string]Share{"5%": .05, "0.05": .05, " 5 % ": .05, "0": 0, "12.5%": .125, "-1": -1, "200%": 2} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %v, %v; want %v", text, s, err, want)
		}
	}
	for _, text := range []string{"", "%", "half", "NaN", "inf", "-Inf%", "5%%", "1e999"} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, ErrShare) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestRangesNameFlagAndValue(t *testing.T) {
	if err := Fraction("loss", .999); err != nil {
		t.Error(err)
	}
	for s, want := range map[Share]string{
		1:    "--loss out of range: 100%, want 0% up to, not including, 100%",
		-.01: "--loss out of range: -1%, want 0% up to, not including, 100%",
	} {
		if err := Fraction("loss", s); !errors.Is(err, ErrRange) || err.Error() != want {
			t.Errorf("%v: error %v, want %s", s, err, want)
		}
	}
}

func TestFilesThatCannotBeWrittenAreFoundAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "there")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"": true, "new": true, filepath.Join(dir, "new"): true, file: true,
		dir: false, filepath.Join(dir, "missing", "new"): false, filepath.Join(file, "new"): false,
	} {
		if err := File("plot", name); (err == nil) != ok || err != nil && !errors.Is(err, ErrFile) {
			t.Errorf("%q: error %v", name, err)
		}
	}
}

func TestErrorsShowTheirFlag(t *testing.T) {
	one, two := errors.New("nodes out of range: 0"), errors.New("--loss out of range: 2")
	err := Flagged(errors.Join(one, errors.Join(two), nil))
	if want := "--nodes out of range: 0\n--loss out of range: 2"; err.Error() != want || !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("%q, want %q", err, want)
	}
	if Flagged(nil) != nil {
		t.Error("no error became one")
	}
}
