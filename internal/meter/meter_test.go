package meter

import (
	"bytes"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// What trials add from many goroutines is counted, and when the work is over no
// goroutine of the bar stays behind.
func TestMeterCountsAndLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	m := start(&out, "push", 100, 0, nil)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { m.Add(5) })
	}
	group.Wait()
	m.Stop()
	if got := m.done.Load(); got != 50 {
		t.Errorf("counted %d, want 50", got)
	}
}

func TestMeterIsQuietInPipes(t *testing.T) {
	var out bytes.Buffer
	quiet := New(&out, "push", 100)
	if quiet != nil {
		t.Fatal("a buffer is no terminal")
	}
	quiet.Add(1)
	quiet.Stop()
	if Watch(&out, "push", 100, func() (int64, string) { return 1, "one" }) != nil {
		t.Fatal("a buffer is no terminal")
	}
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}
