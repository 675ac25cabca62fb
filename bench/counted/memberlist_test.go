package counted

import (
	"io"
	"log"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// dialTimeout is memberlist's own for a LAN. Nothing here comes near it.
const dialTimeout = 10 * time.Second

func openTransport(t *testing.T, sent *Counters) (transport *Memberlist, addr string) {
	t.Helper()
	transport, err := ListenMemberlist(log.New(io.Discard, "", 0), sent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := transport.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return transport, net.JoinHostPort(Loopback, strconv.Itoa(transport.GetAutoBindPort()))
}

func TestMemberlistCountsAPacketOnce(t *testing.T) {
	var sent, received Counters
	from, _ := openTransport(t, &sent)
	to, addr := openTransport(t, &received)

	if _, err := from.WriteTo(make([]byte, 100), addr); err != nil {
		t.Fatal(err)
	}
	<-to.PacketCh()
	if _, err := from.WriteToAddress(make([]byte, 23), memberlist.Address{Addr: addr}); err != nil {
		t.Fatal(err)
	}
	<-to.PacketCh()
	if got, want := sent.Read(), (benchcluster.Traffic{Packets: 2, Bytes: 123}); got != want {
		t.Errorf("sender counted %+v, want %+v", got, want)
	}
	if got := received.Read(); got != (benchcluster.Traffic{}) {
		t.Errorf("receiver counted %+v, want nothing", got)
	}
}

func TestMemberlistLeavesOutWhatWasRefused(t *testing.T) {
	var sent Counters
	from, addr := openTransport(t, &sent)
	const tooLong = 1 << 16 // the length of a datagram has 16 bits, headers included
	if _, err := from.WriteTo(make([]byte, tooLong), addr); err == nil {
		t.Fatal("a datagram of 64 KiB was sent")
	}
	if got := sent.Read(); got != (benchcluster.Traffic{}) {
		t.Errorf("counted %+v, want nothing", got)
	}
}

func TestMemberlistCountsBothDirectionsOfAStream(t *testing.T) {
	for name, dial := range map[string]func(*Memberlist, string) (net.Conn, error){
		"by address": func(c *Memberlist, addr string) (net.Conn, error) {
			return c.DialTimeout(addr, dialTimeout)
		},
		"by node": func(c *Memberlist, addr string) (net.Conn, error) {
			return c.DialAddressTimeout(memberlist.Address{Addr: addr, Name: "peer"}, dialTimeout)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var sent, accepted Counters
			from, _ := openTransport(t, &sent)
			to, addr := openTransport(t, &accepted)
			dialed, err := dial(from, addr)
			if err != nil {
				t.Fatal(err)
			}
			defer dialed.Close()
			answering := <-to.StreamCh()
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
		})
	}
}

func TestMemberlistDialErrorIsNoConnection(t *testing.T) {
	var sent Counters
	from, _ := openTransport(t, &sent)
	closed, err := net.Listen("tcp", net.JoinHostPort(Loopback, "0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if conn, err := from.DialTimeout(closed.Addr().String(), dialTimeout); err == nil || conn != nil {
		t.Errorf("dialing a closed port gave %v, error %v; want only an error", conn, err)
	}
}
