package bakeoff

// event is something that will happen.
type event struct {
	kind eventKind
	node int32
	from int32   // a sender; or the index of an act or of news
	p    *packet // of an arrival
}

type eventKind uint8

const (
	eventArrive eventKind = iota // at the socket
	eventHandle                  // the processor got round to it
	eventWake
	eventProbe
	eventNews // a node's view changes
	eventAct  // the scenario goes on
)
