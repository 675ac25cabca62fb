package demo

import (
	"math"
	"time"
)

// Report is what a story measured. Durations are in seconds since the cause:
// the start of the first node, the write, the crash, the cut, its end.
type Report struct {
	Nodes   int     `json:"nodes"`
	FormedS float64 `json:"formed_s"` // until every node saw all as alive
	CalmS   float64 `json:"calm_s"`   // until nobody had a rumor of it left to tell

	FactAllS float64 `json:"fact_all_s"` // until every node had the fact
	FactHops int     `json:"fact_hops"`  // members it came through to the farthest
	FactBy   []Hop   `json:"fact_by_hop"`

	Killed         string  `json:"killed"`
	SuspectedS     float64 `json:"suspected_first_s"`
	SuspectedBy    string  `json:"suspected_by"`
	DetectedFirstS float64 `json:"detected_first_s"` // until one node held it dead
	DetectedBy     string  `json:"detected_by"`
	DetectedAllS   float64 `json:"detected_all_s"` // until all did

	Sides      [2]int  `json:"sides"`        // nodes that ran on each side of the cut
	SplitSeenS float64 `json:"split_seen_s"` // until every node held the other side dead
	Dropped    uint64  `json:"dropped"`      // datagrams lost to the cut

	HealedS float64 `json:"healed_s"` // until every node saw all as alive again
	MergedS float64 `json:"merged_s"` // until every node had what both sides wrote

	TookS float64 `json:"took_s"` // the whole story
}

// Hop is how many nodes got a fact over how many members, and when the first
// and the last of them did.
type Hop struct {
	Hop    int     `json:"hop"` // 0: the writer; -1: not by a rumor but by anti-entropy
	Nodes  int     `json:"nodes"`
	FirstS float64 `json:"first_s"`
	LastS  float64 `json:"last_s"`
}

// seconds returns how long after a cause something was, to the microsecond.
// Nodes that began in different moments read the clock of the host at
// different moments, so an effect may seem to come a little before its cause.
func seconds(cause, effect time.Time) float64 {
	return math.Round(max(effect.Sub(cause).Seconds(), 0)*1e6) / 1e6
}

// last returns the latest of some times; all of them are after the epoch.
func last(times map[int]time.Time) time.Time {
	var latest time.Time
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// first returns the earliest of some times, and whose it is.
func first(times map[int]time.Time) (node int, earliest time.Time) {
	node = -1
	for i, t := range times {
		if node < 0 || t.Before(earliest) || t.Equal(earliest) && i < node {
			node, earliest = i, t
		}
	}
	return node, earliest
}
