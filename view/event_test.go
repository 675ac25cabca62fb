package view

import "testing"

func TestEveryKindHasAName(t *testing.T) {
	names := map[string]bool{}
	for k := Joined; k < eventKindEnd; k++ {
		if name := k.String(); name == "" || name == "unknown" || names[name] {
			t.Errorf("kind %d is called %q", k, name)
		}
		names[k.String()] = true
	}
	if EventKind(0).String() != "unknown" || eventKindEnd.String() != "unknown" {
		t.Error("a number that is no kind has a name")
	}
}
