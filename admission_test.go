package hearsay

import (
	"errors"
	"testing"
)

func TestAdmissionRefusesWhatTheDriverHasRefused(t *testing.T) {
	var a admission
	refuses := func(want bool, sizes ...int) {
		t.Helper()
		for _, size := range sizes {
			if a.admits(size) == want {
				t.Errorf("%d bytes are refused: %v, want %v", size, !want, want)
			}
		}
	}
	refuses(false, 0, 100)
	a.shut(100)
	refuses(true, 100, 101)
	refuses(false, 0, 99) // for the driver to say
	a.shut(50)
	a.shut(80)
	refuses(true, 50)
	refuses(false, 49)
	a.shut(0)
	refuses(true, 0)
	a.open()
	refuses(false, 0, 100)
	if !errors.Is(errHeldBack, ErrBackpressure) {
		t.Errorf("refused with %v", errHeldBack)
	}
}
