package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// The story, on real sockets, ends well, which it finds out by itself.
func TestStoryEndsWell(t *testing.T) {
	if testing.Short() {
		t.Skip("opens sockets")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out strings.Builder
	if err := story(ctx, &out, plan{nodes: 4, blocks: 3, size: 50_000}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"node-1 makes block 1", "50 KB", "late joins", "all 5 nodes hold the same chain of 3 blocks"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
}

func TestStoryOfOneNode(t *testing.T) {
	if testing.Short() {
		t.Skip("opens sockets")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out strings.Builder
	if err := story(ctx, &out, plan{nodes: 1, blocks: 1, size: 0}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}

func TestSizesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{"1MB": "1 MB", "64KB": "64 KB", "1500B": "1500 B", "7": "7 B", "0": "0 B", "1000KB": "1 MB"} {
		var s size
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%s is %v, %v, want %s", text, s, err, want)
		}
	}
	for _, text := range []string{"", "2MB", "1GB", "-1B", "lots", "1000001"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func TestFlagsOutOfRangeAreNamedAtOnce(t *testing.T) {
	p := plan{nodes: 0, blocks: 5000}
	if err := p.check(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error %v, want two lines", err)
	}
}
