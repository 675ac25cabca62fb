package benchcluster

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/udp"
)

func TestNodesBecomeFull(t *testing.T) {
	if testing.Short() {
		t.Skip("opens real sockets and waits for real timers")
	}
	for name, sealed := range map[string]bool{"sealed": true, "unsealed": false} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), NewNodes(sealed), Options{
				Nodes: 3, Patience: time.Minute, Poll: time.Millisecond, Idle: time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if !r.FullOK || !r.FullAfter || r.FalseDeaths != 0 {
				t.Errorf("full %t, after idle %t, %d false deaths; want full and none", r.FullOK, r.FullAfter, r.FalseDeaths)
			}
			// Two of the three joined the seed over a stream each.
			if r.JoinStreamBytesPerNode == 0 || r.JoinPacketsPerNode == 0 {
				t.Errorf("%v stream bytes and %v packets a node, want some of each", r.JoinStreamBytesPerNode, r.JoinPacketsPerNode)
			}
			if r.GoroutinesPerNode < 3 {
				t.Errorf("%v goroutines a node, want one for each socket and one for the protocol", r.GoroutinesPerNode)
			}
		})
	}
}

func TestNodesCloseBeforeStart(t *testing.T) {
	if err := NewNodes(true).Close(); err != nil {
		t.Error(err)
	}
}

func TestNodesCloseAfterAFailedStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := NewNodes(true)
	if err := c.Start(ctx, 3); err == nil {
		t.Error("started under a context that has ended")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestNodeNamesCostAllLibrariesTheSame(t *testing.T) {
	for _, index := range []int{0, 9, 9999} {
		name := NodeName(index)
		if err := member.Name(name).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(name) != len(NodeName(0)) {
			t.Errorf("%s is longer than %s", name, NodeName(0))
		}
	}
}

func openMetered(t *testing.T, sent *meter) *metered {
	t.Helper()
	sockets, err := udp.Listen(t.Context(), anyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sockets.Close(); err != nil {
			t.Error(err)
		}
	})
	return &metered{Transport: sockets, sent: sent}
}

func TestMeterCountsASentPacketOnce(t *testing.T) {
	var sent, received meter
	from, to := openMetered(t, &sent), openMetered(t, &received)
	if err := from.Send(to.Addr(), make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := to.Receive(make([]byte, transport.MaxPacket)); err != nil {
		t.Fatal(err)
	}
	if err := from.Send(to.Addr(), make([]byte, transport.MaxPacket+1)); err == nil {
		t.Error("a packet above the limit was sent")
	}
	if got, want := sent.read(), (Traffic{Packets: 1, Bytes: 100}); got != want {
		t.Errorf("sender counted %+v, want %+v", got, want)
	}
	if got := received.read(); got != (Traffic{}) {
		t.Errorf("receiver counted %+v, want nothing", got)
	}
}

func TestMeterCountsBothDirectionsOfAStream(t *testing.T) {
	var sent, accepted meter
	from, to := openMetered(t, &sent), openMetered(t, &accepted)
	dialled, err := from.Dial(t.Context(), to.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	answering, err := to.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer answering.Close()
	pass(t, dialled, answering, 40)
	pass(t, answering, dialled, 2)
	if got, want := sent.read(), (Traffic{StreamBytes: 42}); got != want {
		t.Errorf("dialling end counted %+v, want %+v", got, want)
	}
	if got := accepted.read(); got != (Traffic{}) {
		t.Errorf("accepting end counted %+v, want nothing", got)
	}
}

// pass sends some bytes from one end of a stream to the other.
func pass(t *testing.T, from, to net.Conn, size int) {
	t.Helper()
	if _, err := from.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
}
