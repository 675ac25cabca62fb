package main

import (
	"slices"
	"testing"
)

func TestBothLibrariesAreBuiltIn(t *testing.T) {
	got, err := parseLibraries(both)
	if want := []string{"memberlist", "hearsay"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q means %v, error %v; want %v", both, got, err, want)
	}
}
