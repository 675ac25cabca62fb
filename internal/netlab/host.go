package netlab

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"time"
)

// waitDelay bounds how long a killed command's Wait may hang on pipes that its
// children still hold open.
const waitDelay = 5 * time.Second

// Host is one namespace of a lab. Its methods may be called from several
// goroutines; after the lab's Close they return errors.
type Host struct {
	ns      namespace
	addr    netip.Addr
	addr6   netip.Addr
	client  *http.Client
	running context.Context // the lab's
}

func newHost(ns namespace, i int, ipv6 bool, running context.Context) *Host {
	h := &Host{ns: ns, addr: hostAddr(i), running: running}
	if ipv6 {
		h.addr6 = hostAddr6(i)
	}
	h.client = &http.Client{Transport: &http.Transport{DialContext: h.DialContext}}
	return h
}

// Addr returns the host's IPv4 address. It means nothing outside the lab.
func (h *Host) Addr() netip.Addr { return h.addr }

// Addr6 returns the host's IPv6 address; the zero Addr if the kernel has no IPv6.
func (h *Host) Addr6() netip.Addr { return h.addr6 }

// Namespace returns the name under which "ip netns" knows the host.
func (h *Host) Namespace() string { return h.ns.name }

// Command returns a command, not yet started, that will run in the host. The
// process that Start makes becomes the named program without a fork, so that
// Process.Pid, Kill and Signal mean the program itself. It is killed when ctx
// ends or the lab closes; its children only by the latter. A name without a
// slash is looked up in PATH, with the error in Err, as [exec.Command] does.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(h.running, func() { cancel(ErrClosed) })

	ip, err := tool("ip")
	if err == nil && !strings.Contains(name, "/") {
		// ip would report a missing program by its own exit code 255.
		name, err = exec.LookPath(name)
	}
	// ip-netns(8) exec enters the namespace and calls execvp: no wrapper stays.
	cmd := exec.CommandContext(ctx, ip, append([]string{"netns", "exec", h.ns.name, name}, args...)...)
	cmd.WaitDelay = waitDelay
	if err != nil {
		cmd.Err = err
	}
	return cmd
}

// Do runs fn on a thread inside the host: the sockets it opens, and the
// processes it starts, belong there and stay there. Goroutines that fn starts
// run outside, so resolve no names in it, and listen or dial on literal
// addresses only. It returns fn's error.
func (h *Host) Do(fn func() error) error { return h.ns.do(fn) }

// DialContext connects from inside the host to address, which must be a
// literal IP and port. It has the signature [http.Transport] asks for.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	// A name would be resolved, and its addresses raced, by goroutines outside.
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("netlab: dial %s: %w", address, err)
	}
	var conn net.Conn
	err := h.ns.do(func() (err error) {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// HTTPClient returns the host's client, which connects from inside the host to
// URLs with literal addresses. It follows no proxy and sets no timeout.
func (h *Host) HTTPClient() *http.Client { return h.client }
