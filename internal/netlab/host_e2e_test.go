//go:build e2e && linux

package netlab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestKillHitsTheProgramItself(t *testing.T) {
	Require(t)
	lab := tapLab(t, 2, Path{})
	s := serve(t, lab.Host(0), lab.Host(0).Addr())
	if s.pid != strconv.Itoa(s.cmd.Process.Pid) {
		t.Fatalf("the program is process %s, the command %d", s.pid, s.cmd.Process.Pid)
	}
	must(t, s.cmd.Process.Kill())
	s.lines.Scan() // the pipe ends with the process
	var exit *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("wait: %v", err)
	}
	if status := exit.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("ended by %v", exit)
	}
}

func TestCommandsSeeOnlyTheirHost(t *testing.T) {
	kinds(t, 2, func(t *testing.T, lab *Lab) {
		for i := range 2 {
			out, err := lab.Host(i).Command(t.Context(), "ip", "-o", "-4", "address", "show", "dev", device).Output()
			if err != nil {
				t.Fatal(err)
			}
			if want := lab.Host(i).Addr().String() + "/24"; !slices.Contains(strings.Fields(string(out)), want) {
				t.Errorf("host %d: %s, want %s", i, out, want)
			}
		}
	})
}

func TestCommandReportsAMissingProgram(t *testing.T) {
	Require(t)
	lab := tapLab(t, 1, Path{})
	if err := lab.Host(0).Command(t.Context(), "no-such-program-here").Run(); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v, want exec.ErrNotFound", err)
	}
}

func TestCommandEndsWithItsContext(t *testing.T) {
	Require(t)
	lab := tapLab(t, 1, Path{})
	ctx, cancel := context.WithCancel(t.Context())
	cmd := lab.Host(0).Command(ctx, "cat")
	in, err := cmd.StdinPipe()
	must(t, err)
	defer in.Close()
	must(t, cmd.Start())
	cancel()
	if err := cmd.Wait(); err == nil {
		t.Error("cat ended well with its input open")
	}
}

func TestHTTPClientConnectsFromInside(t *testing.T) {
	kinds(t, 2, func(t *testing.T, lab *Lab) {
		at := netip.AddrPortFrom(lab.Host(1).Addr(), 80).String()
		var listener net.Listener
		must(t, lab.Host(1).Do(func() (err error) {
			listener, err = net.Listen("tcp", at)
			return err
		}))
		web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.RemoteAddr) // a client that went away shows below
		})}
		served := make(chan error, 1)
		go func() { served <- web.Serve(listener) }()
		defer func() {
			must(t, web.Close())
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("serve: %v", err)
			}
		}()

		response, err := lab.Host(0).HTTPClient().Get("http://" + at)
		must(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		must(t, err)
		from, err := netip.ParseAddrPort(string(body))
		must(t, err)
		if from.Addr() != lab.Host(0).Addr() {
			t.Errorf("the server saw %v, want %v", from, lab.Host(0).Addr())
		}
	})
}

func TestDialTakesLiteralAddressesOnly(t *testing.T) {
	Require(t)
	lab := tapLab(t, 1, Path{})
	if conn, err := lab.Host(0).DialContext(t.Context(), "tcp", "localhost:80"); err == nil {
		t.Errorf("connected to %v", conn.RemoteAddr())
	}
}

func TestDoReturnsToItsOwnNamespace(t *testing.T) {
	Require(t)
	before := networkOf(os.Getpid())
	lab := tapLab(t, 2, Path{})
	failure := errors.New("failure")
	for range 100 {
		inside := make([]uint64, 2)
		for i := range inside {
			err := lab.Host(i).Do(func() error {
				self, err := os.Stat("/proc/thread-self/ns/net")
				if err != nil {
					return err
				}
				inside[i] = self.Sys().(*syscall.Stat_t).Ino
				return failure
			})
			if !errors.Is(err, failure) {
				t.Fatalf("do: %v", err)
			}
		}
		if inside[0] == inside[1] || inside[0] == before || inside[1] == before {
			t.Fatalf("namespaces %v inside, %d outside", inside, before)
		}
		if after := threadNetworks(t); len(after) != 1 || !after[before] {
			t.Fatalf("threads in namespaces %v, want only %d", after, before)
		}
	}
}

// threadNetworks lists the network namespaces of this process's threads.
func threadNetworks(t *testing.T) map[uint64]bool {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	must(t, err)
	networks := make(map[uint64]bool)
	for _, thread := range threads {
		// A thread may have ended since the listing.
		if info, err := os.Stat("/proc/self/task/" + thread.Name() + "/ns/net"); err == nil {
			networks[info.Sys().(*syscall.Stat_t).Ino] = true
		}
	}
	return networks
}
