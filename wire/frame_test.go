package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

func TestFrameHeader(t *testing.T) {
	for _, tt := range []struct {
		header string
		n      int
	}{
		{"00 00 00 01", 1},
		{"00 01 00 00", wire.FrameTarget},
		{"00 0a 0b 0c", 0x0a0b0c},
		{"00 10 00 00", wire.FrameMax},
	} {
		if got := wire.AppendFrameHeader([]byte("kept"), tt.n); !bytes.Equal(got, append([]byte("kept"), unhex(tt.header)...)) {
			t.Errorf("AppendFrameHeader(%d) = % x, want \"kept\" and %s", tt.n, got, tt.header)
		}
		if n, err := wire.FrameLength(unhex(tt.header)); n != tt.n || err != nil {
			t.Errorf("FrameLength(%s) = %d, %v, want %d", tt.header, n, err, tt.n)
		}
	}
}

func TestFrameHeaderOutOfRangeIsRefused(t *testing.T) {
	for _, header := range []string{
		"00 00 00 00",                 // an empty frame says nothing
		"00 10 00 01",                 // FrameMax + 1
		"80 00 00 01",                 // negative as an int32
		"ff ff ff ff",                 //
		"", "00", "00 00", "00 00 01", // cut short
	} {
		if n, err := wire.FrameLength(unhex(header)); !errors.Is(err, wire.ErrFrame) || n != 0 {
			t.Errorf("FrameLength(%s) = %d, %v, want ErrFrame", header, n, err)
		}
	}
}
