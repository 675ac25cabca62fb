package hearsay

import "github.com/hearsay-gossip/hearsay/wire"

// frameQueue is what waits for one link. Frames keep their order within their
// class; control goes before bulk, so that joins and anti-entropy do not wait
// for large messages, but not for ever: bulk gets every so many turns.
type frameQueue struct {
	classes [frameClasses]frames
	passed  int // control frames since bulk had a turn or none of it waited
}

// frameClass tells apart what takes turns on a link.
type frameClass uint8

const (
	// frameControl: all that keeps the cluster together, its views included.
	frameControl frameClass = iota
	// frameBulk: parts of large messages, and large answers to queries.
	frameBulk
	frameClasses
)

const (
	// controlTurns is how many control frames pass before one of bulk that waits.
	// A joiner's view of 64 KiB frames then loses a ninth of the link to chunks of
	// 32 KiB; twice would hold up large messages for long while a view passes.
	controlTurns = 4
	// bulkQueueMax bounds the bulk that waits for one peer: four times what the
	// core lets be under way to one, so that only answers to queries can meet it.
	bulkQueueMax = 4 << 20
)

// frames is a queue of one class.
type frames struct {
	queue [][]byte
	bytes int
}

// classOf returns the class of a payload, which its first message decides: the
// core puts nothing else beside bulk.
func classOf(payload []byte) frameClass {
	if t, _, _, err := wire.Next(payload); err == nil && (t == wire.TypeRelay || t == wire.TypeAnswer) {
		return frameBulk
	}
	return frameControl
}

// len returns how many frames wait.
func (q *frameQueue) len() int {
	return len(q.classes[frameControl].queue) + len(q.classes[frameBulk].queue)
}

// bytes returns the bytes in them.
func (q *frameQueue) bytes() int { return q.classes[frameControl].bytes + q.classes[frameBulk].bytes }

// room reports whether a frame may wait here.
func (q *frameQueue) room(class frameClass, size int) bool {
	bound := streamQueueMax
	if class == frameBulk {
		bound = bulkQueueMax
	}
	return q.classes[class].bytes+size <= bound
}

func (q *frameQueue) push(class frameClass, frame []byte) {
	c := &q.classes[class]
	c.queue = append(c.queue, frame)
	c.bytes += len(frame)
}

// pop takes the next frame out; there must be one.
func (q *frameQueue) pop() []byte {
	control, bulk := &q.classes[frameControl], &q.classes[frameBulk]
	switch {
	case len(bulk.queue) == 0:
		q.passed = 0
		return control.pop()
	case len(control.queue) == 0 || q.passed >= controlTurns:
		q.passed = 0
		return bulk.pop()
	}
	q.passed++
	return control.pop()
}

func (f *frames) pop() []byte {
	frame := f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	f.bytes -= len(frame)
	return frame
}
