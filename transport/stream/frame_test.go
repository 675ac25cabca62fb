package stream

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/transport"
)

func TestFrameLayout(t *testing.T) {
	got := appendFrame(appendOpening(nil, 7946), []byte("hi"))
	if want := []byte{0x02, 0x1f, 0x0a, 0x00, 0x02, 'h', 'i'}; !bytes.Equal(got, want) {
		t.Errorf("opening and frame are % x, want % x", got, want)
	}
}

func TestEveryTruncationOfAConnectionIsNoticed(t *testing.T) {
	ip := netip.MustParseAddr("10.0.0.1")
	whole := appendFrame(appendOpening(nil, 7946), []byte("hello"))
	for size := range whole {
		r := bytes.NewReader(whole[:size])
		if err := readAll(r, ip); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d of %d bytes: %v, want an end of file", size, len(whole), err)
		}
	}
	if err := readAll(bytes.NewReader(whole), ip); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// readAll reads an opening and one frame.
func readAll(r io.Reader, ip netip.Addr) error {
	if _, err := readKind(r); err != nil {
		return err
	}
	if _, err := readPort(r, ip); err != nil {
		return err
	}
	frames := newFrameReader(r)
	packet, err := peekFrame(frames)
	if err != nil {
		return err
	}
	return dropFrame(frames, packet)
}

func TestConfigNamesEverythingThatIsWrong(t *testing.T) {
	_, err := Config{Peers: -1, Queue: 100, Idle: -1}.Listen(t.Context(), "127.0.0.1:0")
	if err == nil {
		t.Fatal("a nonsensical configuration was accepted")
	}
	for _, field := range []string{"Peers", "Queue", "Idle"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error %q does not name %s", err, field)
		}
	}
	if strings.Contains(err.Error(), "Inbound") {
		t.Errorf("error %q names what is right", err)
	}
}

// FuzzFrames: whatever arrives, every packet that comes out is of a legal size
// and together they are what went in.
func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, []byte("hello")), []byte("world")))
	f.Add([]byte{0, 0})
	f.Add([]byte{0x24, 0x01, 1, 2, 3})
	f.Fuzz(func(t *testing.T, input []byte) {
		frames := newFrameReader(bytes.NewReader(input))
		var again []byte
		for {
			packet, err := peekFrame(frames)
			if err != nil {
				break
			}
			if !holdsFrame(frames) {
				t.Fatal("the frame at hand is said not to be")
			}
			if len(packet) == 0 || len(packet) > transport.MaxPacket {
				t.Fatalf("packet of %d bytes", len(packet))
			}
			if again = appendFrame(again, packet); !bytes.HasPrefix(input, again) {
				t.Fatal("packets differ from the input")
			}
			if err := dropFrame(frames, packet); err != nil {
				t.Fatal(err)
			}
		}
	})
}
