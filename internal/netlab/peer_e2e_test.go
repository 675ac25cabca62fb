//go:build e2e && linux

package netlab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const (
	// echoAddress in the environment turns the test binary into an echo server.
	echoAddress = "NETLAB_TEST_ECHO"

	echoPort = 7 // RFC 862
)

func TestMain(m *testing.M) {
	if address := os.Getenv(echoAddress); address != "" {
		if err := echo(address, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// echo writes its pid and then each datagram as a line, and sends it back.
func echo(address string, out io.Writer) error {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	// Room for every datagram of a test: only the lab may lose them.
	var forced error
	err = raw.Control(func(fd uintptr) {
		forced = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	})
	if err != nil || forced != nil {
		return fmt.Errorf("receive buffer: %w %w", err, forced)
	}
	if _, err := fmt.Fprintln(out, os.Getpid()); err != nil {
		return err
	}
	buffer := make([]byte, mtu)
	for {
		size, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", buffer[:size]); err != nil {
			return err
		}
		if _, err := conn.WriteToUDPAddrPort(buffer[:size], from); err != nil {
			return err
		}
	}
}

// server is an echo process in a host.
type server struct {
	cmd   *exec.Cmd
	pid   string // as the process itself sees it
	lines *bufio.Scanner
	at    netip.AddrPort
}

// serve starts an echo server on a host's address. The server is waited for
// when the test ends, which is after the lab has closed if the lab was made first.
func serve(t *testing.T, host *Host, addr netip.Addr) *server {
	t.Helper()
	at := netip.AddrPortFrom(addr, echoPort)
	cmd := host.Command(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), echoAddress+"="+at.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // has ended already if the lab or the test killed it
		_ = cmd.Wait()         // likewise
	})
	s := &server{cmd: cmd, lines: bufio.NewScanner(out), at: at}
	s.pid = s.next(t)
	return s
}

// next blocks for the next datagram that reached the server.
func (s *server) next(t *testing.T) string {
	t.Helper()
	if !s.lines.Scan() {
		t.Fatalf("server %v ended: %v", s.at, s.lines.Err())
	}
	return s.lines.Text()
}

// until returns the datagrams that reached the server before mark did.
func (s *server) until(t *testing.T, mark string) (before []string) {
	t.Helper()
	for {
		line := s.next(t)
		if line == mark {
			return before
		}
		before = append(before, line)
	}
}

// client is a socket in a host, connected to one server.
type client struct{ net.Conn }

func dial(t *testing.T, host *Host, to *server) client {
	t.Helper()
	conn, err := host.DialContext(t.Context(), "udp", to.at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return client{conn}
}

func (c client) send(t *testing.T, payloads ...string) {
	t.Helper()
	for _, payload := range payloads {
		if _, err := io.WriteString(c, payload); err != nil {
			t.Fatal(err)
		}
	}
}

func (c client) receive(t *testing.T) string {
	t.Helper()
	buffer := make([]byte, mtu)
	size, err := c.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:size])
}

// numbered returns n payloads that differ.
func numbered(prefix string, n int) []string {
	payloads := make([]string, n)
	for i := range payloads {
		payloads[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return payloads
}

// kinds runs a test on both switches, on a lab without faults.
func kinds(t *testing.T, n int, test func(t *testing.T, lab *Lab)) {
	Require(t)
	t.Run("bridge", func(t *testing.T) {
		lab, err := New(t, n)
		if err != nil {
			t.Fatal(err)
		}
		test(t, lab)
	})
	t.Run("tap", func(t *testing.T) {
		test(t, tapLab(t, n, Path{}))
	})
}

func tapLab(t *testing.T, n int, path Path) *Lab {
	t.Helper()
	lab, err := NewTAP(t, n, 1, path)
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// must fails the test at the first error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// outside names all that a lab could leave in the namespace of the test itself.
func outside(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	links, err := net.Interfaces()
	must(t, err)
	for _, link := range links {
		fmt.Fprintln(&b, "link", link.Name)
	}
	tables, err := output("", "nft", "list", "tables")
	must(t, err)
	b.Write(tables)
	return b.String()
}

// ownNamespaces lists the named namespaces that this process has made.
func ownNamespaces(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if owner, ok := ownerOf(entry.Name()); ok && owner == os.Getpid() {
			names = append(names, entry.Name())
		}
	}
	return names
}
