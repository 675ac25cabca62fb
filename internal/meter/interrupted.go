package meter

import (
	"context"
	"errors"
	"fmt"
)

// ErrInterrupted is wrapped by the error of work that was cut short.
var ErrInterrupted = errors.New("interrupted")

// Interrupted turns the end of a context into an [ErrInterrupted] that says how
// much was done: "interrupted after 3 of 5 seeds". Other errors, and none, are
// returned as they are.
func Interrupted(err error, done, total int, things string) error {
	switch {
	case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		return err
	case done == 0 && total == 1:
		return fmt.Errorf("%w before it was done: nothing to show", ErrInterrupted)
	case done == 0:
		return fmt.Errorf("%w before the first of %d %s was done: nothing to show", ErrInterrupted, total, things)
	}
	return fmt.Errorf("%w after %d of %d %s", ErrInterrupted, done, total, things)
}
