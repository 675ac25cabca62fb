package meter

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestInterruptionSaysHowMuchIsDone(t *testing.T) {
	cancelled := fmt.Errorf("seed 3: %w", context.Canceled)
	for _, tt := range []struct {
		err         error
		done, total int
		want        string
	}{
		{cancelled, 3, 5, "interrupted after 3 of 5 seeds"},
		{context.DeadlineExceeded, 0, 5, "interrupted before the first of 5 seeds was done: nothing to show"},
		{context.Canceled, 0, 1, "interrupted before it was done: nothing to show"},
	} {
		err := Interrupted(tt.err, tt.done, tt.total, "seeds")
		if !errors.Is(err, ErrInterrupted) || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	other := errors.New("other")
	if err := Interrupted(other, 1, 5, "seeds"); !errors.Is(err, other) || errors.Is(err, ErrInterrupted) {
		t.Errorf("error %v, want %v", err, other)
	}
	if err := Interrupted(nil, 5, 5, "seeds"); err != nil {
		t.Error(err)
	}
}
