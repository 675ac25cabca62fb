//go:build race

package epidemic

const raceDetector = true
