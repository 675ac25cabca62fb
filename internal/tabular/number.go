package tabular

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"
)

// Number is a figure in JSON and CSV: seven significant digits, so that the last
// bits of a processor's floating point do not show, and null (or empty) if it
// does not exist.
type Number float64

// Millis is a duration in milliseconds, Seconds in seconds.
func Millis(d time.Duration) Number { return Number(float64(d) / float64(time.Millisecond)) }

// Seconds is described at Millis.
func Seconds(d time.Duration) Number { return Number(d.Seconds()) }

// String returns the number, nothing if it does not exist.
func (n Number) String() string {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return ""
	}
	return strconv.FormatFloat(float64(n), 'g', 7, 64)
}

// MarshalJSON implements [json.Marshaler].
func (n Number) MarshalJSON() ([]byte, error) {
	text := n.String()
	if text == "" {
		return []byte("null"), nil
	}
	return []byte(text), nil
}

// WriteJSON writes a value, indented.
func WriteJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
