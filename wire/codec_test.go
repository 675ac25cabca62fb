package wire_test

import (
	"errors"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

func TestDecodeErrorNamesFieldAndOffset(t *testing.T) {
	err := new(wire.Ack).Decode(unhex("01 02 03 04 11 12 13 14 15 16 17 18 02"))
	if !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("%v is not ErrMalformed", err)
	}
	if got, want := err.Error(), "malformed ack relayed at byte 12"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestFirstFailureIsReported(t *testing.T) {
	g := goldenNamed(t, "fact")
	err := new(wire.Fact).Decode(g.edited(t, "version", "00", "tombstone", "02", "key length", "00"))
	var refusal *wire.DecodeError
	if !errors.As(err, &refusal) || refusal.What != "entry version" || refusal.Offset != 20 {
		t.Errorf("%v, want entry version at 20", err)
	}
}
