package hearsay

import (
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

func TestControlFramesPassBulkButDoNotStarveIt(t *testing.T) {
	var q frameQueue
	for i := range byte(10) {
		q.push(frameBulk, []byte{100 + i})
	}
	for i := range byte(10) {
		q.push(frameControl, []byte{i})
	}
	var order []byte
	for q.len() > 0 {
		order = append(order, q.pop()...)
	}
	want := []byte{0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9, 102, 103, 104, 105, 106, 107, 108, 109}
	if !slices.Equal(order, want) {
		t.Errorf("frames leave as %v, want %v", order, want)
	}
	if q.bytes() != 0 {
		t.Errorf("%d bytes in an empty queue", q.bytes())
	}
}

func TestControlFindsRoomBesideAFullBulkQueue(t *testing.T) {
	var q frameQueue
	q.push(frameBulk, make([]byte, bulkQueueMax))
	if q.room(frameBulk, 1) {
		t.Error("room for more bulk")
	}
	if !q.room(frameControl, streamQueueMax) {
		t.Error("no room for control")
	}
	q.push(frameControl, make([]byte, streamQueueMax))
	if q.room(frameControl, 1) {
		t.Error("room for more control")
	}
}

func TestLargeMessagesAndAnswersAreBulk(t *testing.T) {
	for message, want := range map[wire.Message]frameClass{
		&wire.Relay{}: frameBulk, &wire.Answer{}: frameBulk, &wire.Join{}: frameControl, &wire.Pull{}: frameControl,
	} {
		if got := classOf(wire.Append(nil, message)); got != want {
			t.Errorf("%s is of class %d, want %d", message.Type(), got, want)
		}
	}
	if got := classOf(nil); got != frameControl {
		t.Errorf("nothing is of class %d", got)
	}
}
