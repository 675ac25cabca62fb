//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNoise throws random bytes at every port of a member: it survives, counts
// all of it, and the cluster does not notice.
func TestNoise(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 3))
	target := agents[0]
	all := alive(agents...)
	random := rand.New(rand.NewPCG(1, 2))

	t.Run("datagrams", func(t *testing.T) { noisyDatagrams(t, target, random) })
	t.Run("streams", func(t *testing.T) { noisyStreams(t, target, random) })
	t.Run("http", func(t *testing.T) { noisyHTTP(t, target, random) })

	for i, a := range agents {
		if seen := deaths(t, a); seen != 0 {
			t.Errorf("%s saw %d deaths", a.plan.name, seen)
		}
		set(t, a, "after", fmt.Sprint(i))
	}
	await(t, patience, "the cluster is as it was", agree(all, agents...))
	for _, reader := range agents {
		for i, owner := range agents {
			await(t, patience, "metadata is still spread", knows(reader, owner.id, "after", fmt.Sprint(i)))
		}
	}
}

// bytesOf returns up to most random bytes. Every third begins as a packet of
// ours would, to come further.
func bytesOf(random *rand.Rand, most int) []byte {
	b := make([]byte, 1+random.IntN(most))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	if random.IntN(3) == 0 {
		b[0] = 1 << 4 // version 1, kind 0
	}
	return b
}

func noisyDatagrams(t *testing.T, target *agent, random *rand.Rand) {
	const count = 10_000
	before := target.metric(t, "hearsay_packets_dropped_total")
	conn, err := net.Dial("udp", target.gossip)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range count {
		if _, err := conn.Write(bytesOf(random, 1400)); err != nil {
			t.Fatal(err)
		}
	}
	// Each is refused for a reason, or found the kernel's buffer full, which is
	// counted with the next one that does not: so one more is sent each time.
	sent := count
	await(t, patience, "all datagrams are counted", func() error {
		counted := target.metric(t, "hearsay_packets_dropped_total") - before
		if counted >= float64(sent) {
			return nil
		}
		if _, err := conn.Write([]byte{0}); err != nil {
			return err
		}
		sent++
		return fmt.Errorf("%v of %d", counted, sent)
	})
	for _, reason := range []string{"bad_magic", "bad_version", "malformed", "unknown_key"} {
		t.Logf("%s: %v", reason, target.dropped(t, reason))
	}
	if target.dropped(t, "malformed")+target.dropped(t, "bad_version")+target.dropped(t, "bad_magic") == 0 ||
		target.dropped(t, "unknown_key") == 0 {
		t.Error("reasons of random bytes are not told apart")
	}
}

// noisyStreams opens streams that say nothing, nonsense, or half of something.
func noisyStreams(t *testing.T, target *agent, random *rand.Rand) {
	const count = 100
	refused := func() (sum float64) {
		for _, reason := range []string{"bad_magic", "malformed", "stream_timeout", "stream_limit"} {
			sum += target.dropped(t, reason)
		}
		return sum
	}
	before := refused()
	for range count {
		babble(t, target.gossip, bytesOf(random, 4096))
	}
	await(t, patience, "all streams are counted", func() error {
		if now := refused() - before; now < count {
			return fmt.Errorf("%v of %d", now, count)
		}
		return nil
	})
	t.Logf("%d streams refused: %v", count, refused()-before)
}

// noisyHTTP sends what is no request: it is answered with 400 or cut off.
func noisyHTTP(t *testing.T, target *agent, random *rand.Rand) {
	for range 100 {
		answer := babble(t, target.web, append(bytesOf(random, 4096), "\r\n\r\n"...))
		if answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 400 ") && !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
			t.Errorf("random bytes were answered %q", answer)
		}
	}
	for path, want := range map[string]int{
		"/":                                http.StatusNotFound,
		"/v1/hearsay/members/%00%ff":       http.StatusNotFound,
		"/v1/hearsay/members/..%2f..%2f":   http.StatusNotFound,
		"/v1/hearsay/meta/none":            http.StatusNotFound,
		"/v1/hearsay/join":                 http.StatusMethodNotAllowed,
		"/v1/hearsay/meta-of/nobody":       http.StatusNotFound,
		"/healthz":                         http.StatusOK,
		"/readyz":                          http.StatusOK,
		"/debug/pprof/":                    http.StatusNotFound,
		"/v1/hearsay/members?index=banana": http.StatusOK,
	} {
		if status, body := target.fetch(t, path); status != want {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, body)
		}
	}
	for body, want := range map[string]int{
		"":                            http.StatusBadRequest,
		"{":                           http.StatusBadRequest,
		`{"addrs":5}`:                 http.StatusBadRequest,
		`{"addrs":[],"more":1}`:       http.StatusBadRequest,
		strings.Repeat("[", 100_000):  http.StatusBadRequest,
		strings.Repeat(" ", 2<<20):    http.StatusRequestEntityTooLarge,
		`{"addrs":["127.0.0.1:0"]} x`: http.StatusBadRequest,
	} {
		response, err := target.http.Post("http://"+target.web+"/v1/hearsay/join", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if response.StatusCode != want {
			t.Errorf("join with %.40q: status %d, want %d", body, response.StatusCode, want)
		}
	}
}

// babble sends bytes on a connection of its own, ends its half, and returns what
// it is answered.
func babble(t *testing.T, addr string, noise []byte) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Write(noise)
	if err == nil {
		err = conn.(*net.TCPConn).CloseWrite()
	}
	answer, readErr := io.ReadAll(io.LimitReader(conn, 64<<10))
	// The other side may cut off who does not speak its language at any moment.
	for _, err := range []error{err, readErr} {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s: neither answer nor end within %v", addr, callTimeout)
		}
		if err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ENOTCONN) {
			t.Fatal(err)
		}
	}
	return string(answer)
}
