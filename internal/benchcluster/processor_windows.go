package benchcluster

import (
	"fmt"
	"syscall"
	"time"
)

// processorTime is the user and system time this process has used so far, over
// all its threads.
func processorTime() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &kernel, &user); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return span(kernel) + span(user), nil
}

// span reads a FILETIME that is a length of time, in units of 100 ns.
func span(t syscall.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}
