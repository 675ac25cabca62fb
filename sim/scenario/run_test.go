package scenario

import (
	"testing"
	"context"
	"fmt"
	"time"
)

func TestTry(t *testing.T) {
	for _, name := range Names() {
		text, _ := Text(name)
		s, err := Parse(name, text)
		if err != nil {
			t.Error(err)
			continue
		}
		w := time.Now()
		res, err := Run(context.Background(), Options{Script: s, Seed: 1, Timing: s.Profile().Timing(), Network: s.Network(s.Profile()), Timeline: true})
		fmt.Println(name, time.Since(w), err)
		if res == nil { continue }
		fmt.Printf("  len %v join %v conv %v %v first %v all %v fp %d cut %d susp %d ref %d verd %d pk %.3f by %.1f\n", res.Length, res.JoinTime, res.Converged, res.ConvergeTime, res.DetectFirst(), res.DetectAll(), res.FalsePositives, res.CutVerdicts, res.Suspicions, res.Refutations, res.Verdicts, res.Traffic.PacketsPerNode(), res.Traffic.BytesPerNode())
		if res.Spread != nil { fmt.Printf("  %+v\n", *res.Spread) }
		fmt.Println("  ", res.Log, len(res.Timeline.Changes))
		fmt.Println("  ", res.Checks)
	}
}
