package swarm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// ErrSchedule is wrapped by every error about what a schedule says.
var ErrSchedule = errors.New("schedule")

// SyntaxError says where the text of a schedule cannot be read. It wraps
// [ErrSchedule].
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	What         string
}

// Error returns the place and what is wrong there.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.What) }

// Unwrap returns ErrSchedule.
func (e *SyntaxError) Unwrap() error { return ErrSchedule }

// Parse reads a schedule and checks it. What cannot be read is a [SyntaxError];
// what makes no sense is all that Validate finds.
func Parse(data []byte) (*Schedule, error) {
	s := new(Schedule)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, syntaxError(data, d.InputOffset(), err)
	}
	end := d.InputOffset()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, at(data, end, "there is more than one schedule")
	}
	return s, s.Validate()
}

// syntaxError says where and in which words a decoder failed after offset bytes.
func syntaxError(data []byte, offset int64, err error) *SyntaxError {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	var worded *wordError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return at(data, int64(len(data)), "it ends in the middle of the schedule")
	case errors.As(err, &syntax):
		return at(data, syntax.Offset-1, syntax.Error())
	case errors.As(err, &mistyped):
		what := fmt.Sprintf("want %s, not %s", wanted(mistyped.Type), given(mistyped.Value))
		if mistyped.Field != "" {
			what = mistyped.Field + ": " + what
		}
		return at(data, mistyped.Offset, what)
	case errors.As(err, &worded):
		return at(data, find(data, worded.word), worded.Error())
	}
	if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		if word, err := strconv.Unquote(field); err == nil {
			return at(data, find(data, word), "a schedule has no "+field)
		}
	}
	return at(data, offset, err.Error())
}

// at returns an error about the place after so many bytes.
func at(data []byte, offset int64, what string) *SyntaxError {
	before := data[:min(max(offset, 0), int64(len(data)))]
	return &SyntaxError{
		Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n'), What: what,
	}
}

// find returns where a quoted word first is in a text: decoders do not say.
func find(data []byte, word string) int64 {
	return int64(max(bytes.Index(data, []byte(strconv.Quote(word))), 0))
}

// wanted names what belongs where a type is.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Schedule]():
		return "a schedule"
	case reflect.TypeFor[Duration]():
		return `a time such as "12.4s"`
	case reflect.TypeFor[Seed]():
		return `a random seed such as "0x9f3c5a10"`
	}
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	}
	return "a text"
}

// given names what a decoder found instead.
func given(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	case "number":
		return "a number"
	}
	return strings.TrimPrefix(value, "number ") // with its digits where they matter
}

// wordError is a text that stands for no value.
type wordError struct{ word, want string }

func (e *wordError) Error() string { return fmt.Sprintf("%q is not %s", e.word, e.want) }

// Seed is a random seed, written in hexadecimal.
type Seed uint64

// String returns the seed as "0x9f3c5a10".
func (s Seed) String() string { return fmt.Sprintf("%#x", uint64(s)) }

// MarshalText implements [encoding.TextMarshaler].
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. Decimal is read as well.
func (s *Seed) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 0, 64)
	if err != nil {
		return &wordError{string(text), wanted(reflect.TypeFor[Seed]())}
	}
	*s = Seed(v)
	return nil
}

// Duration is written as "12.4s".
type Duration time.Duration

// String returns the duration as [time.Duration] does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return &wordError{string(text), wanted(reflect.TypeFor[Duration]())}
	}
	*d = Duration(v)
	return nil
}
