package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// frameMax is more than any frame: a TAP device hands the kernel's frames over
// unsegmented only up to the MTU, which a test may raise to 65,535.
const frameMax = 65_535 + 18

// tapSwitch moves frames between the hosts' TAP devices and a hub: one reader
// a device, one goroutine that delivers.
type tapSwitch struct {
	t    TB
	taps []*os.File // by host

	mu     sync.Mutex // held for a delivery too: a cut takes effect before it returns
	hub    *hub
	broken error // why a reader gave up

	wake    chan struct{} // holds a token if the next deadline may have moved
	closing chan struct{}
	running sync.WaitGroup
}

func newTAPSwitch(t TB, hosts []namespace, seed uint64, path Path) (fabric, error) {
	s := &tapSwitch{
		t:       t,
		hub:     newHub(len(hosts), seed, path),
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	for _, host := range hosts {
		tap, err := host.openTAP()
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.taps = append(s.taps, tap)
	}
	s.running.Go(s.deliver)
	for i := range s.taps {
		s.running.Go(func() { s.read(i) })
	}
	return s, nil
}

// openTAP makes the host's device, which lasts as long as the file is open.
func (ns namespace) openTAP() (tap *os.File, err error) {
	err = ns.do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("netlab: open /dev/net/tun: %w", err)
		}
		request, err := unix.NewIfreq(device)
		if err == nil {
			request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("netlab: make TAP device: %w", err), unix.Close(fd))
		}
		// NB: only after TUNSETIFF can the descriptor be polled.
		tap = os.NewFile(uintptr(fd), ns.name+" "+device)
		return nil
	})
	return tap, err
}

// read takes what one host sends until its device is closed.
func (s *tapSwitch) read(from int) {
	buffer := make([]byte, frameMax)
	for {
		size, err := s.taps[from].Read(buffer)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				s.mu.Lock()
				s.broken = errors.Join(s.broken, fmt.Errorf("netlab: read from host %d: %w", from, err))
				s.mu.Unlock()
			}
			return
		}
		frame := bytes.Clone(buffer[:size])
		s.mu.Lock()
		s.hub.accept(time.Now(), from, frame)
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default: // a token is there already
		}
	}
}

// deliver hands frames over when they are due.
func (s *tapSwitch) deliver() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if next, pending := s.flush(); pending {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-due:
		case <-s.wake:
		case <-s.closing:
			return
		}
	}
}

// flush delivers all that is due and returns the next deadline.
func (s *tapSwitch) flush() (next time.Time, pending bool) {
	for {
		s.mu.Lock()
		to, frame, due := s.hub.deliver(time.Now())
		if due {
			// A host whose device is down loses the frame, as hosts do.
			_, _ = s.taps[to].Write(frame)
		}
		next, pending = s.hub.deadline()
		s.mu.Unlock()
		if !due {
			return next, pending
		}
	}
}

// change applies a fault between two frames.
func (s *tapSwitch) change(fault func(*hub)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault(s.hub)
	return nil
}

func (s *tapSwitch) ready() (bool, error) { return true, nil }

func (s *tapSwitch) cut(pairs []pair) error {
	return s.change(func(h *hub) { h.cut(pairs) })
}

func (s *tapSwitch) heal() error {
	return s.change((*hub).heal)
}

func (s *tapSwitch) loss(percent int) error {
	return s.change(func(h *hub) { h.loss = percent })
}

func (s *tapSwitch) setPath(p pair, path Path) error {
	return s.change(func(h *hub) { h.lanes[p.from][p.to].path = path })
}

func (s *tapSwitch) close() error {
	close(s.closing)
	var errs []error
	for _, tap := range s.taps {
		errs = append(errs, tap.Close())
	}
	s.running.Wait()
	if s.hub.overflow > 0 {
		s.t.Logf("netlab: TAP switch dropped %d frames beyond %d under way", s.hub.overflow, maxFlights)
	}
	return errors.Join(append(errs, s.broken)...)
}
