package main

import (
	"errors"
	"reflect"
	"testing"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/sim"
)

// The types of the simulator are those of the library by shape; it cannot import
// them. An adapter may convert.
func TestSimulatedTypesMatchTheRealOnes(t *testing.T) {
	_ = hearsay.Member(sim.Member{}) // compiles for equal fields only

	real, simulated := reflect.TypeFor[hearsay.Event](), reflect.TypeFor[sim.Event]()
	if real.NumField() != simulated.NumField() {
		t.Fatalf("an event has %d fields, %d when simulated", real.NumField(), simulated.NumField())
	}
	for i := range real.NumField() {
		if r, s := real.Field(i), simulated.Field(i); r.Name != s.Name || r.Type.Kind() != s.Type.Kind() {
			t.Errorf("field %d of an event is %s %s, when simulated %s %s", i, r.Name, r.Type, s.Name, s.Type)
		}
	}
	for k := range hearsay.Resync + 2 { // from unknown to unknown
		if r, s := k.String(), sim.EventKind(k).String(); r != s {
			t.Errorf("event kind %d is %s, when simulated %s", k, r, s)
		}
	}
	for _, pair := range [][2]error{
		{hearsay.ErrKey, sim.ErrKey},
		{hearsay.ErrValue, sim.ErrValue},
		{hearsay.ErrKeys, sim.ErrKeys},
		{hearsay.ErrUnknownKey, sim.ErrUnknownKey},
	} {
		if !errors.Is(pair[0], pair[1]) {
			t.Errorf("%q is another error when simulated", pair[0])
		}
	}
}
