package main

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

func TestAStreamKeepsOrderAndLatency(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, _, _ *endpoint) {
		const latency = 500 * time.Microsecond
		near, far := newStreams(c, 0, 1, latency)
		b := make([]byte, 2)
		for _, text := range []string{"ab", "c"} {
			if n, err := near.Write([]byte(text)); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"ab", "c"} {
			if n, err := far.Read(b); string(b[:n]) != want || err != nil || c.Now() != latency {
				t.Errorf("read %q, %v at %v", b[:n], err, c.Now())
			}
		}
		for range 2 {
			if n, err := far.Read(b); n != 0 || err != io.EOF {
				t.Errorf("read %d, %v", n, err)
			}
		}
		if n, err := far.Write([]byte("x")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("write to a closed stream: %d, %v", n, err)
		}
		if _, err := near.Read(b); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read of an own closed stream: %v", err)
		}
		if near.LocalAddr().String() != far.RemoteAddr().String() || near.RemoteAddr().String() != c.places[1].addr {
			t.Errorf("addresses %v, %v", near.LocalAddr(), near.RemoteAddr())
		}
		if got := c.Sent().streamBytes; got != 4 {
			t.Errorf("%d bytes counted, want 4", got)
		}
	})
}

// A deadline ends a read that waits already, also one that came after it; what
// a cut swallows never arrives.
func TestADeadlineEndsARead(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, _, _ *endpoint) {
		near, far := newStreams(c, 0, 1, time.Millisecond)
		c.net.setSide([]int{1}, true)
		if _, err := near.Write([]byte("lost")); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := far.Read(make([]byte, 4))
			done <- err
		}()
		<-time.After(time.Second)
		if err := far.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) || c.Now() != 3*time.Second {
			t.Errorf("%v at %v", err, c.Now())
		}
	})
}

func TestAWriteOfAHeldNodeWaits(t *testing.T) {
	bubble(t, func(t *testing.T, c *memberlists, _, _ *endpoint) {
		near, far := newStreams(c, 0, 1, time.Millisecond)
		c.Hold([]int{0}, time.Second)
		if _, err := near.Write([]byte("x")); err != nil || c.Now() != time.Second {
			t.Errorf("written at %v, %v", c.Now(), err)
		}
		c.Hold([]int{1}, time.Second)
		if _, err := near.Write([]byte("y")); err != nil || c.Now() != time.Second {
			t.Errorf("written at %v, %v", c.Now(), err)
		}
		b := make([]byte, 1)
		for _, want := range []time.Duration{time.Second + time.Millisecond, 2 * time.Second} {
			if _, err := far.Read(b); err != nil || c.Now() != want {
				t.Errorf("read %s at %v, want %v: %v", b, c.Now(), want, err)
			}
		}
	})
}
