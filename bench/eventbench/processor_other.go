//go:build !unix

package main

import (
	"errors"
	"fmt"
	"time"
)

// processorTime has no portable source outside of Unix.
func processorTime() (time.Duration, error) {
	return 0, fmt.Errorf("read processor time: %w", errors.ErrUnsupported)
}
