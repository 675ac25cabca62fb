package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// FrameHeaderSize is the length of a frame's header: its payload's length, u32.
const FrameHeaderSize = 4

// ErrFrame is returned for a frame header that is over its limit or empty.
var ErrFrame = errors.New("stream frame: length out of range")

// AppendFrameHeader appends the header of a frame with n bytes of payload.
func AppendFrameHeader(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// FrameLength reads a frame header of [FrameHeaderSize] bytes. It returns
// [ErrFrame] for a length of 0 or above [FrameMax].
func FrameLength(header []byte) (int, error) {
	n := binary.BigEndian.Uint32(header)
	if n == 0 || n > FrameMax {
		return 0, fmt.Errorf("%w: %d", ErrFrame, n)
	}
	return int(n), nil
}
