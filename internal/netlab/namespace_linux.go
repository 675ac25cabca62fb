package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// directory is where ip-netns(8) keeps named namespaces.
	directory = "/var/run/netns"

	// killMax bounds the wait for a killed process. Only one that is stuck in
	// the kernel lives longer.
	killMax = 5 * time.Second

	// killRounds bounds the hunt for processes that fork while being killed.
	killRounds = 20
)

// namespace is a named network namespace.
type namespace struct{ name string }

func (ns namespace) path() string { return filepath.Join(directory, ns.name) }

func (ns namespace) create() error { return execute("", "ip", "netns", "add", ns.name) }

// remove deletes the name, and with it the namespace and its devices, unless a
// process still lives there. A namespace that is gone is no error: several
// processes may sweep the same leftovers.
func (ns namespace) remove() error {
	err := execute("", "ip", "netns", "del", ns.name)
	if _, stat := os.Lstat(ns.path()); errors.Is(stat, os.ErrNotExist) {
		return nil
	}
	return err
}

// run executes a system program inside the namespace, with stdin as its input.
func (ns namespace) run(stdin, name string, args ...string) error {
	return ns.do(func() error { return execute(stdin, name, args...) })
}

// ready reports whether the host's device carries frames and its IPv6 address,
// if valid, receives them.
func (ns namespace) ready(addr6 netip.Addr) (ready bool, err error) {
	err = ns.do(func() error {
		link, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		ready = link.Flags&net.FlagRunning != 0
		if !ready || !addr6.IsValid() {
			return nil
		}
		table, err := os.ReadFile("/proc/thread-self/net/ipv6_route")
		ready = hasLocalRoute(string(table), addr6)
		return err
	})
	return ready, err
}

// do runs fn on a thread inside the namespace.
func (ns namespace) do(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("netlab: the function ended its goroutine")
		defer func() { done <- err }()
		err = ns.onThread(fn)
	}()
	return <-done
}

// onThread changes the namespace of its thread. If it cannot change it back,
// the goroutine ends still locked, which ends the thread as well: no other
// goroutine ever runs inside.
func (ns namespace) onThread(fn func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("netlab: open own namespace: %w", err)
	}
	defer func() { _ = unix.Close(home) }()
	target, err := unix.Open(ns.path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("netlab: open namespace %s: %w", ns.name, err)
	}
	defer func() { _ = unix.Close(target) }()
	if err := unix.Setns(target, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("netlab: enter namespace %s: %w", ns.name, err)
	}
	defer func() {
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return fn()
}

// execute runs a system program to its end and puts what it said into the error.
func execute(stdin, name string, args ...string) error {
	_, err := output(stdin, name, args...)
	return err
}

func output(stdin, name string, args ...string) ([]byte, error) {
	path, err := tool(name)
	if err != nil {
		return nil, fmt.Errorf("netlab: %w", err)
	}
	var said strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("netlab: %s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return out, nil
}

// sweep removes what dead processes left behind and returns the names. What it
// cannot remove it leaves to the next sweep.
//
// NB: pids are compared within our own pid namespace; containers that share
// /var/run/netns but not their pids must not both run labs.
func sweep() (removed []string) { return sweepUnless(alive) }

func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

func sweepUnless(alive func(pid int) bool) (removed []string) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil // no directory, no leftovers
	}
	for _, entry := range entries {
		owner, ours := ownerOf(entry.Name())
		if !ours || alive(owner) {
			continue
		}
		ns := namespace{entry.Name()}
		if killWithin([]namespace{ns}) == nil && ns.remove() == nil {
			removed = append(removed, ns.name)
		}
	}
	return removed
}

// killWithin kills the processes inside the namespaces and waits for their end.
func killWithin(namespaces []namespace) error {
	inside := make(map[uint64]bool)
	for _, ns := range namespaces {
		var stat unix.Stat_t
		if err := unix.Stat(ns.path(), &stat); err == nil {
			inside[stat.Ino] = true
		}
	}
	for range killRounds {
		pids, err := processesIn(inside)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := kill(pid, inside); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("netlab: processes survive %d rounds of kill", killRounds)
}

// processesIn lists the processes whose namespace's inode is in the set, but
// never this one: its main thread may be inside for a moment, in do.
func processesIn(inside map[uint64]bool) (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("netlab: list processes: %w", err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && pid != os.Getpid() && inside[networkOf(pid)] {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// networkOf returns the inode of a process's network namespace; 0, which no
// namespace has, if the process is gone or a zombie.
func networkOf(pid int) uint64 {
	var stat unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &stat) != nil {
		return 0
	}
	return stat.Ino
}

// kill ends one process. It holds the process by a descriptor while it looks a
// second time, so that a pid which found a new owner is left alone.
func kill(pid int, inside map[uint64]bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("netlab: open process %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !inside[networkOf(pid)] {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("netlab: kill process %d: %w", pid, err)
	}
	return awaitExit(fd, pid)
}

// awaitExit blocks until the process behind a pidfd has ended.
func awaitExit(fd, pid int) error {
	deadline := time.Now().Add(killMax)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("netlab: process %d alive %v after its kill", pid, killMax)
		}
		ended, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("netlab: await process %d: %w", pid, err)
		}
		if ended > 0 {
			return nil
		}
	}
}
