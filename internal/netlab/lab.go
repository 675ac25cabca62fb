package netlab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"
)

var (
	// ErrUnsupported is wrapped by every answer of a machine that cannot run a lab.
	ErrUnsupported = errors.New("netlab: unsupported")
	// ErrNoHost is wrapped when a host number is outside the lab.
	ErrNoHost = errors.New("no such host")
	// ErrBridge is returned for what only the TAP switch can do.
	ErrBridge = errors.New("netlab: a bridge has no paths, use NewTAP")
	// ErrClosed is the cause that ends the processes and calls of a closed lab.
	ErrClosed = errors.New("netlab: lab closed")
)

// settleMax bounds the wait for devices to come up. Ten milliseconds are usual;
// a machine that needs ten seconds will not finish a test either.
const settleMax = 10 * time.Second

// TB is the part of testing.TB a lab needs.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}

// fabric is a switch of either kind. Arguments are checked by the Lab.
type fabric interface {
	// ready reports whether every host is connected.
	ready() (bool, error)
	cut(pairs []pair) error
	heal() error
	loss(percent int) error
	setPath(p pair, path Path) error
	// close is called once, and frees all the switch holds.
	close() error
}

// builder makes a fabric for a lab whose host namespaces exist and are empty.
type builder func(name labName, hosts []namespace) (fabric, error)

// Lab is a network of hosts numbered from 0. Its methods may be called from
// several goroutines, but faults that race take effect in any order.
type Lab struct {
	t      TB
	hosts  []*Host
	fabric fabric

	// running ends when Close begins. Commands outlive the call that made
	// them, so the lab's lifetime is the one they are tied to.
	running context.Context
	stop    context.CancelCauseFunc
	close   func() error

	mu sync.Mutex // one change of the faults at a time
}

// New returns a lab of n hosts, 1 to [MaxHosts], joined by a kernel bridge. It
// is closed by t.Cleanup at the latest; an error found then fails the test.
// The error wraps [ErrUnsupported] if the machine cannot run a lab.
func New(t TB, n int) (*Lab, error) {
	return build(t, n, newBridge)
}

// NewTAP is New with a switch in this process, which sends the frames of every
// ordered pair of hosts along path, until [Lab.SetPath] changes it. The random
// seed, n and its number among the unicast frames of its ordered pair decide a
// frame's fate. Frames to groups draw apart from those: kernels send multicast
// reports at times of their own.
func NewTAP(t TB, n int, seed uint64, path Path) (*Lab, error) {
	if err := path.Validate(); err != nil {
		return nil, err
	}
	return build(t, n, func(_ labName, hosts []namespace) (fabric, error) {
		return newTAPSwitch(t, hosts, seed, path)
	})
}

func build(t TB, n int, newFabric builder) (*Lab, error) {
	t.Helper()
	if n < 1 || n > MaxHosts {
		return nil, fmt.Errorf("netlab: %d hosts is outside 1 to %d", n, MaxHosts)
	}
	if err := Supported(); err != nil {
		return nil, err
	}
	for _, name := range sweep() {
		t.Logf("netlab: removed %s, left behind by a dead process", name)
	}

	lab := &Lab{t: t}
	lab.running, lab.stop = context.WithCancelCause(context.Background())
	lab.close = sync.OnceValue(lab.teardown)
	if err := lab.assemble(n, newFabric); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Errorf("netlab: close: %v", err)
		}
	})
	return lab, nil
}

// assemble stops at the first error; teardown copes with what exists by then.
func (l *Lab) assemble(n int, newFabric builder) error {
	name := labName{owner: os.Getpid(), random: rand.Uint32()}
	_, err := os.Stat("/proc/net/if_inet6")
	ipv6 := err == nil

	namespaces := make([]namespace, n)
	for i := range n {
		namespaces[i] = namespace{name.host(i)}
		if err := namespaces[i].create(); err != nil {
			return err
		}
		l.hosts = append(l.hosts, newHost(namespaces[i], i, ipv6, l.running))
	}
	if l.fabric, err = newFabric(name, namespaces); err != nil {
		return err
	}
	for i, host := range l.hosts {
		if err := host.ns.run(hostScript(i, n, ipv6), "ip", "-batch", "-"); err != nil {
			return err
		}
	}
	return l.settle()
}

// settle waits until every device carries frames and every address receives
// them: kernel workers see to both, and what is sent before is dropped.
func (l *Lab) settle() error {
	expired := time.After(settleMax)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		ready, err := l.ready()
		if err != nil || ready {
			return err
		}
		select {
		case <-again.C:
		case <-expired:
			return fmt.Errorf("netlab: devices not up after %v", settleMax)
		}
	}
}

func (l *Lab) ready() (bool, error) {
	for _, host := range l.hosts {
		if ready, err := host.ns.ready(host.addr6); err != nil || !ready {
			return false, err
		}
	}
	return l.fabric.ready()
}

// Host returns host i. It panics unless 0 ≤ i < n.
func (l *Lab) Host(i int) *Host { return l.hosts[i] }

// Cut drops every frame that a host in from sends to a host in to, and lets
// the other direction pass. Cuts add up until Heal. When Cut returns, a TAP
// switch delivers no such frame any more, not even one that was under way; a
// bridge may still hand over what had passed its rules.
func (l *Lab) Cut(from, to []int) error {
	pairs, err := pairsBetween(from, to, len(l.hosts))
	return l.cut(pairs, err)
}

// CutBoth drops every frame between a host in a and a host in b.
func (l *Lab) CutBoth(a, b []int) error {
	there, err := pairsBetween(a, b, len(l.hosts))
	back, _ := pairsBetween(b, a, len(l.hosts)) // the same hosts: the same error
	return l.cut(slices.Concat(there, back), err)
}

func (l *Lab) cut(pairs []pair, err error) error {
	if err != nil || len(pairs) == 0 {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fabric.cut(pairs)
}

// Heal ends every cut. Loss and paths stay.
func (l *Lab) Heal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fabric.heal()
}

// Loss drops percent of all frames, each by its own draw, besides what paths
// lose. Zero ends it.
func (l *Lab) Loss(percent int) error {
	if err := checkPercent("loss", percent); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fabric.loss(percent)
}

// SetPath changes what befalls frames from one host to another from now on;
// frames under way keep their time of arrival. A bridge returns [ErrBridge].
func (l *Lab) SetPath(from, to int, path Path) error {
	pairs, err := pairsBetween([]int{from}, []int{to}, len(l.hosts))
	if err := errors.Join(err, path.Validate()); err != nil {
		return err
	}
	if len(pairs) == 0 {
		return fmt.Errorf("netlab: path from host %d to itself", from)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fabric.setPath(pairs[0], path)
}

// Close kills the processes in the lab, whoever started them, and removes its
// switch and namespaces. Further calls return the first one's answer.
func (l *Lab) Close() error { return l.close() }

func (l *Lab) teardown() error {
	l.stop(ErrClosed)
	namespaces := make([]namespace, len(l.hosts))
	for i, host := range l.hosts {
		host.client.CloseIdleConnections()
		namespaces[i] = host.ns
	}
	errs := []error{killWithin(namespaces)}
	if l.fabric != nil {
		errs = append(errs, l.fabric.close())
	}
	for _, ns := range namespaces {
		errs = append(errs, ns.remove())
	}
	return errors.Join(errs...)
}
