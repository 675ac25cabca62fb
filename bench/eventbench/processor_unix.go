//go:build unix

package main

import (
	"fmt"
	"syscall"
	"time"
)

// processorTime is the user and system time this process has used so far, over
// all its threads.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
