package recent

import (
	"context"
	"iter"
	"testing"

	"github.com/hearsay-gossip/hearsay"
)

// told is a source that has ended.
type told []hearsay.Message

func (t told) Messages(context.Context, ...string) iter.Seq[hearsay.Message] {
	return func(yield func(hearsay.Message) bool) {
		for _, m := range t {
			if !yield(m) {
				return
			}
		}
	}
}

func logOf(t *testing.T, messages ...hearsay.Message) *Log {
	l, run := Keep(t.Context(), told(messages))
	run()
	return l
}

func numbered(topic string, seq uint64, size int) hearsay.Message {
	return hearsay.Message{Topic: topic, Seq: seq, Epoch: 1, Payload: make([]byte, size)}
}

func TestTheLast256AreListedOldestFirst(t *testing.T) {
	var all []hearsay.Message
	for seq := uint64(1); seq <= 300; seq++ {
		all = append(all, numbered([]string{"even", "odd"}[seq%2], seq, 1), hearsay.Message{Lagged: 1}, hearsay.Message{Missed: 2})
	}
	l := logOf(t, all...)
	got, _ := l.List("")
	if len(got) != 256 || got[0].Seq != 45 || got[255].Seq != 300 {
		t.Errorf("%d messages, %d to %d", len(got), got[0].Seq, got[len(got)-1].Seq)
	}
	odd, _ := l.List("odd")
	if len(odd) != 128 || odd[0].Seq != 45 || odd[127].Seq != 299 {
		t.Errorf("%d odd messages from %d", len(odd), odd[0].Seq)
	}
	if none, _ := l.List("other"); len(none) != 0 || Index(none) != 1 {
		t.Errorf("%d messages on no topic, index %d", len(none), Index(none))
	}
}

func TestLargeMessagesPushOutOlderOnes(t *testing.T) {
	l := logOf(t, numbered("a", 1, 8<<20), numbered("a", 2, 8<<20), numbered("a", 3, 1))
	if got, _ := l.List(""); len(got) != 2 || got[0].Seq != 2 {
		t.Errorf("%d kept", len(got))
	}
	if got, _ := logOf(t, numbered("a", 1, bytesMax+1)).List(""); len(got) != 1 {
		t.Error("the newest is not kept, whatever its size")
	}
}

func TestWaitersAreWoken(t *testing.T) {
	l := logOf(t)
	_, changed := l.List("a")
	select {
	case <-changed:
		t.Fatal("woken for nothing")
	default:
	}
	l.add(numbered("b", 1, 0))
	<-changed
}

// Tools compute the index of the message at which they stopped from its UUID.
func TestTheIndexFollowsFromTheUUID(t *testing.T) {
	u := UUID{0, 1, 2, 3, 4, 5, 6, 7, 0x80, 9, 10, 11, 12, 13, 14, 15}
	if u.String() != "00010203-0405-0607-8009-0a0b0c0d0e0f" {
		t.Errorf("printed as %s", u)
	}
	if got, want := u.Index(), uint64(0x0001020304050607^0x80090a0b0c0d0e0f); got != want {
		t.Errorf("index %x, want %x", got, want)
	}
	a, b := UUIDOf(hearsay.MessageID{Epoch: 1, Seq: 1}), UUIDOf(hearsay.MessageID{Epoch: 1, Seq: 2})
	if a == b || a[6]>>4 != 8 || a[8]>>6 != 2 {
		t.Errorf("%s and %s", a, b)
	}
	m := numbered("a", 2, 0)
	if Index([]hearsay.Message{numbered("a", 1, 0), m}) != b.Index() {
		t.Error("the index is not that of the newest")
	}
}
