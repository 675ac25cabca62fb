package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// FrameHeaderSize is the length of a frame's header: its payload's length, u32.
const FrameHeaderSize = 4

// ErrFrame is returned for a frame header that is cut short, and for a length
// that is zero or over its limit.
var ErrFrame = errors.New("stream frame: length out of range")

// AppendFrameHeader appends the header of a frame with n bytes of payload.
func AppendFrameHeader(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// FrameLength reads a frame header from the first [FrameHeaderSize] bytes of
// header. It returns [ErrFrame] for fewer bytes than that, and for a length of
// 0 or above [FrameMax].
func FrameLength(header []byte) (int, error) {
	if len(header) < FrameHeaderSize {
		return 0, fmt.Errorf("%w: header of %d bytes", ErrFrame, len(header))
	}
	n := binary.BigEndian.Uint32(header)
	if n == 0 || n > FrameMax {
		return 0, fmt.Errorf("%w: %d", ErrFrame, n)
	}
	return int(n), nil
}
