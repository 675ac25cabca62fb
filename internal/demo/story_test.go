package demo

import (
	"os"
	"testing"
)

func TestTmp(t *testing.T) {
	r, err := Story(t.Context(), 25, os.Stdout, false)
	if err != nil { t.Fatal(err) }
	r.WriteJSON(os.Stdout)
}
