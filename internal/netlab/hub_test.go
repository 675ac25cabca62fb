package netlab

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Unix(0, 0)

// frameTo is a frame for host i, or for all if i is negative.
func frameTo(i int, payload string) []byte {
	destination := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	if i >= 0 {
		destination = hostMAC(i)
	}
	return append(bytes.Clone(destination), payload...)
}

// drain returns what is due, as "host:payload".
func drain(h *hub, now time.Time) (got []string) {
	for {
		to, frame, ok := h.deliver(now)
		if !ok {
			return got
		}
		got = append(got, fmt.Sprintf("%d:%s", to, frame[6:]))
	}
}

func check(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
}

func TestUnicastReachesOneHostAndGroupsAllOthers(t *testing.T) {
	h := newHub(3, 1, Path{})
	h.accept(start, 0, frameTo(2, "a"))
	h.accept(start, 1, frameTo(-1, "b"))
	check(t, drain(h, start), "2:a", "0:b", "2:b")
}

func TestFramesForStrangersGoNowhere(t *testing.T) {
	h := newHub(2, 1, Path{})
	h.accept(start, 0, frameTo(2, "no such host"))
	h.accept(start, 0, frameTo(0, "itself"))
	h.accept(start, 0, hostMAC(1)[:5])
	h.accept(start, 0, nil)
	if at, pending := h.deadline(); pending {
		t.Errorf("a frame is due at %v", at)
	}
}

func TestDelayHoldsFramesUntilTheDeadlineAndKeepsOrder(t *testing.T) {
	const delay = 20 * time.Millisecond
	h := newHub(2, 1, Path{Delay: delay})
	for _, payload := range []string{"a", "b", "c"} {
		h.accept(start, 0, frameTo(1, payload))
	}
	if at, pending := h.deadline(); !pending || at != start.Add(delay) {
		t.Errorf("deadline %v, %v", at, pending)
	}
	check(t, drain(h, start.Add(delay-1)))
	check(t, drain(h, start.Add(delay)), "1:a", "1:b", "1:c")
}

func TestJitterStaysWithinItsBounds(t *testing.T) {
	const delay, jitter = 10 * time.Millisecond, 5 * time.Millisecond
	h := newHub(2, 7, Path{Delay: delay, Jitter: jitter})
	distinct := make(map[time.Time]bool)
	for range 1000 {
		h.accept(start, 0, frameTo(1, "x"))
		at, _ := h.deadline()
		if at.Before(start.Add(delay)) || at.After(start.Add(delay+jitter)) {
			t.Fatalf("due after %v", at.Sub(start))
		}
		distinct[at] = true
		check(t, drain(h, at), "1:x")
	}
	if len(distinct) < 900 {
		t.Errorf("1000 frames had only %d delays", len(distinct))
	}
}

func TestCutDropsOneDirectionNowAndUnderWay(t *testing.T) {
	h := newHub(2, 1, Path{Delay: time.Second})
	h.accept(start, 0, frameTo(1, "under way"))
	h.cut([]pair{{0, 1}})
	h.accept(start, 0, frameTo(1, "new"))
	h.accept(start, 1, frameTo(0, "back"))
	check(t, drain(h, start.Add(time.Second)), "0:back")
	h.heal()
	h.accept(start, 0, frameTo(1, "healed"))
	check(t, drain(h, start.Add(time.Second)), "1:healed")
}

func TestFrameSentDuringACutStaysLostAfterHealing(t *testing.T) {
	h := newHub(2, 1, Path{Delay: time.Second})
	h.cut([]pair{{0, 1}})
	h.accept(start, 0, frameTo(1, "lost"))
	h.heal()
	check(t, drain(h, start.Add(time.Minute)))
}

func TestDuplicateDeliversTwice(t *testing.T) {
	h := newHub(2, 1, Path{Duplicate: 100})
	h.accept(start, 0, frameTo(1, "a"))
	h.accept(start, 0, frameTo(1, "b"))
	check(t, drain(h, start), "1:a", "1:a", "1:b", "1:b")
}

func TestLossFollowsItsShare(t *testing.T) {
	for name, set := range map[string]func(*hub){
		"lab":  func(h *hub) { h.loss = 20 },
		"path": func(h *hub) { h.lanes[0][1].path.Loss = 20 },
	} {
		h := newHub(2, 42, Path{})
		set(h)
		for range 10_000 {
			h.accept(start, 0, frameTo(1, ""))
		}
		// 2,000 expected, standard deviation 40.
		if lost := 10_000 - len(drain(h, start)); lost < 1_800 || lost > 2_200 {
			t.Errorf("%s: lost %d of 10,000", name, lost)
		}
	}
}

func TestTotalLossLosesAll(t *testing.T) {
	h := newHub(2, 42, Path{Loss: 100})
	for range 1000 {
		h.accept(start, 0, frameTo(1, ""))
	}
	check(t, drain(h, start))
}

// pattern is which of 200 frames from host 0 to host 1 arrive.
func pattern(seed uint64, path Path, between func(h *hub)) string {
	h := newHub(3, seed, path)
	var b strings.Builder
	for range 200 {
		between(h)
		h.accept(start, 0, frameTo(1, ""))
		arrived := 0
		for _, delivered := range drain(h, start.Add(time.Hour)) {
			if delivered == "1:" {
				arrived++
			}
		}
		fmt.Fprint(&b, arrived)
	}
	return b.String()
}

func TestRandomSeedDecidesEveryFate(t *testing.T) {
	path := Path{Loss: 30, Duplicate: 10, Jitter: time.Millisecond}
	quiet := func(*hub) {}
	first := pattern(5, path, quiet)
	if again := pattern(5, path, quiet); again != first {
		t.Errorf("same seed, other fates:\n%s\n%s", first, again)
	}
	if other := pattern(6, path, quiet); other == first {
		t.Error("another seed, same fates")
	}
	busy := func(h *hub) { h.accept(start, 2, frameTo(1, "x")); h.accept(start, 0, frameTo(-1, "x")) }
	if crossed := pattern(5, path, busy); crossed != first {
		t.Errorf("traffic on other lanes changed fates:\n%s\n%s", first, crossed)
	}
	path.Jitter = time.Second
	if shaken := pattern(5, path, quiet); shaken != first {
		t.Errorf("jitter changed who is lost:\n%s\n%s", first, shaken)
	}
}

func TestFlightsAreBoundedAndCounted(t *testing.T) {
	h := newHub(2, 1, Path{Delay: time.Second})
	for range maxFlights + 3 {
		h.accept(start, 0, frameTo(1, ""))
	}
	if h.overflow != 3 {
		t.Errorf("overflow %d, want 3", h.overflow)
	}
	if got := len(drain(h, start.Add(time.Second))); got != maxFlights {
		t.Errorf("delivered %d, want %d", got, maxFlights)
	}
}

func TestPathValidateReportsEveryField(t *testing.T) {
	err := Path{Delay: -1, Jitter: -1, Loss: 101, Duplicate: -1}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"delay", "jitter", "loss", "duplicate"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not mention %s", err, field)
		}
	}
	if err := (Path{Delay: 1, Jitter: 1, Loss: 100, Duplicate: 100}).Validate(); err != nil {
		t.Errorf("refused the limits: %v", err)
	}
}
