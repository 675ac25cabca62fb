package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestHostileTextIsShownAndNotObeyed(t *testing.T) {
	tests := []struct{ text, want string }{
		{"web-1.example.org", "web-1.example.org"},
		{"日本 é", "日本 é"},
		{"a\x1b[31mred", `a\x1b[31mred`},
		{"a\r\nb\tc\x00", `a\r\nb\tc\x00`},
		{"\u009b2J", `\u009b2J`},
		{"evil\u202etxt.exe", `evil\u202etxt.exe`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"\xff\xc3(", `\xff\xc3(`},
		{"\ufffd", "\ufffd"},
		{"\U000e0001", `\U000e0001`},
	}
	for _, tt := range tests {
		if got := escape(tt.text); got != tt.want {
			t.Errorf("escape(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := escape(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, needsEscape) {
			t.Errorf("escape(%q) = %q", text, got)
		}
	})
}

func TestTablesAlign(t *testing.T) {
	var b bytes.Buffer
	if err := table(&b, [][]string{{"NAME", "STATE", "NOTE"}, {"a\n", "alive", ""}, {"long-name", "dead", "self"}}); err != nil {
		t.Fatal(err)
	}
	const want = "NAME       STATE  NOTE\na\\n        alive\nlong-name  dead   self\n"
	if b.String() != want {
		t.Errorf("table is\n%s, want\n%s", b.String(), want)
	}
}

func TestAgo(t *testing.T) {
	now := time.Unix(1000, 0)
	for at, want := range map[time.Time]string{
		now.Add(-90*time.Second - 1): "1m30s", now.Add(time.Hour): "0s", {}: "-",
	} {
		if got := ago(at, now); got != want {
			t.Errorf("ago(%v) = %s, want %s", at, got, want)
		}
	}
}
