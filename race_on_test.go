//go:build race

package hearsay

// raced is set when the race detector slows everything down ten times.
const raced = true
