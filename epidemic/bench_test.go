package epidemic

import (
	"fmt"
	"testing"
)

// Time and memory of one trial of a million nodes.
func BenchmarkMillionNodes(b *testing.B) {
	for _, c := range []struct {
		protocol Protocol
		fanout   int
	}{{Push, 1}, {Push, 3}, {Pull, 1}, {PushPull, 1}, {MedianCounter, 1}} {
		b.Run(fmt.Sprintf("%v/fanout=%d", c.protocol, c.fanout), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Run(b.Context(), base(1_000_000, c.fanout, c.protocol, 1), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
