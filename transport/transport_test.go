package transport

import (
	"errors"
	"net/netip"
	"testing"
)

func TestUnmapKeepsZoneAndPort(t *testing.T) {
	for in, want := range map[string]string{
		"[::ffff:10.0.0.1]:7946": "10.0.0.1:7946",
		"10.0.0.1:7946":          "10.0.0.1:7946",
		"[fe80::1%eth0]:7946":    "[fe80::1%eth0]:7946",
	} {
		if got := Unmap(netip.MustParseAddrPort(in)); got.String() != want {
			t.Errorf("Unmap(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestCheckSendNamesTheFault(t *testing.T) {
	peer := netip.MustParseAddrPort("127.0.0.1:7946")
	for _, test := range []struct {
		name   string
		to     netip.AddrPort
		size   int
		expect error
	}{
		{"smallest", peer, 1, nil},
		{"largest", peer, MaxPacket, nil},
		{"empty", peer, 0, ErrEmpty},
		{"oversize", peer, MaxPacket + 1, ErrOversize},
		{"no address", netip.AddrPort{}, 1, ErrAddress},
		{"no port", netip.AddrPortFrom(peer.Addr(), 0), 1, ErrAddress},
	} {
		if err := CheckSend(test.to, make([]byte, test.size)); !errors.Is(err, test.expect) {
			t.Errorf("%s: %v, want %v", test.name, err, test.expect)
		}
	}
}

func TestCountersKeepWhatWasSentApartFromWhatFailed(t *testing.T) {
	var c Counters
	if err := c.Send(10, nil); err != nil {
		t.Errorf("Send = %v", err)
	}
	if err := c.Send(10, ErrQueueFull); !errors.Is(err, ErrQueueFull) {
		t.Errorf("Send = %v, want its error back", err)
	}
	if n, err := c.Receive(7, false); n != 7 || err != nil {
		t.Errorf("Receive = %d, %v", n, err)
	}
	if n, err := c.Receive(7, true); n != 0 || !errors.Is(err, ErrOversize) {
		t.Errorf("truncated Receive = %d, %v", n, err)
	}
	if n, err := c.Receive(0, false); n != 0 || !errors.Is(err, ErrEmpty) {
		t.Errorf("empty Receive = %d, %v", n, err)
	}
	want := Stats{Sent: 1, SentBytes: 10, SendErrors: 1, Received: 1, ReceivedBytes: 7, Oversize: 1, Empty: 1}
	if got := c.Stats(); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}
