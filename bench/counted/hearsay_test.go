package counted

import (
	"io"
	"testing"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
	"github.com/hearsay-gossip/hearsay/transport"
)

func openHearsay(t *testing.T, sent *Counters) *Hearsay {
	t.Helper()
	sockets, err := ListenHearsay(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sockets.Close(); err != nil {
			t.Error(err)
		}
	})
	return sockets
}

func TestHearsayCountsAPacketOnce(t *testing.T) {
	var sent, received Counters
	from, to := openHearsay(t, &sent), openHearsay(t, &received)
	if err := from.Send(to.Addr(), make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := to.Receive(make([]byte, transport.MaxPacket)); err != nil {
		t.Fatal(err)
	}
	if err := from.Send(to.Addr(), make([]byte, transport.MaxPacket+1)); err == nil {
		t.Error("a packet above the limit was sent")
	}
	if got, want := sent.Read(), (benchcluster.Traffic{Packets: 1, Bytes: 100}); got != want {
		t.Errorf("sender counted %+v, want %+v", got, want)
	}
	if got := received.Read(); got != (benchcluster.Traffic{}) {
		t.Errorf("receiver counted %+v, want nothing", got)
	}
}

func TestHearsayCountsBothDirectionsOfAStream(t *testing.T) {
	var sent, accepted Counters
	from, to := openHearsay(t, &sent), openHearsay(t, &accepted)
	dialed, err := from.Dial(t.Context(), to.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	answering, err := to.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer answering.Close()

	if _, err := dialed.Write(make([]byte, 40)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(answering, make([]byte, 40)); err != nil {
		t.Fatal(err)
	}
	if _, err := answering.Write(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(dialed, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if got, want := sent.Read(), (benchcluster.Traffic{StreamBytes: 42}); got != want {
		t.Errorf("dialing end counted %+v, want %+v", got, want)
	}
	if got := accepted.Read(); got != (benchcluster.Traffic{}) {
		t.Errorf("accepting end counted %+v, want nothing", got)
	}
}
