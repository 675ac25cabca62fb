package sim

// event is something that will happen.
type event struct {
	kind   eventKind
	queued bool // a delivery that a slow node has got round to
	node   int32
	from   int32
	arg    uint64 // life of the node, or index of a call
	data   *delivery
}

type eventKind uint8

const (
	eventWake eventKind = iota + 1
	eventDeliver
	eventBroken // a stream could not be opened or kept
	eventCall
)
