// Package argument reads what several commands take on their command line.
package argument

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Share is a part of a whole, written as 5% or 0.05. Its range is the command's
// to check, together with all else that may be wrong.
type Share float64

// ErrShare is returned for text that is no share.
var ErrShare = errors.New("not a share: want 5% or 0.05")

// UnmarshalText reads a share; the error wraps [ErrShare].
func (s *Share) UnmarshalText(text []byte) error {
	digits, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("%q is %w", text, ErrShare)
	}
	if percent {
		value /= 100
	}
	*s = Share(value)
	return nil
}

// String writes a share as people do: 5%.
func (s Share) String() string { return strconv.FormatFloat(100*float64(s), 'g', 6, 64) + "%" }

// ErrRange is wrapped by the error of a flag whose value is out of range.
var ErrRange = errors.New("out of range")

// Range returns an [ErrRange] that names the flag, the value and what is wanted,
// nil if the value is ok.
func Range(ok bool, flag string, value any, want string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("--%s %w: %v, want %s", flag, ErrRange, value, want)
}

// Fraction is Range for a share of nodes or packets that must leave some over.
func Fraction(flag string, s Share) error {
	return Range(s >= 0 && s < 1, flag, s, "0% up to, not including, 100%")
}

// ErrFile is wrapped by the error of a file that cannot be written.
var ErrFile = errors.New("no file to write")

// File holds that the file a flag names can be written: its folder exists, and it
// is no folder itself. No name is no mistake. It is asked before long work, so
// that none is lost; what else may fail shows when the file is written.
func File(flag, name string) error {
	if name == "" {
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("--%s: %w: %s is a folder", flag, ErrFile, name)
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return fmt.Errorf("--%s: %w: %s: there is no folder %s", flag, ErrFile, name, filepath.Dir(name))
	}
	return nil
}

// Flagged makes an error that begins with the name of a flag show it as one.
// Joined errors are taken apart.
func Flagged(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, Flagged(e))
		}
		return errors.Join(errs...)
	}
	if err == nil || strings.HasPrefix(err.Error(), "--") {
		return err
	}
	return fmt.Errorf("--%w", err)
}
