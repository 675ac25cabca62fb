package meter

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new pseudo-terminal of that size.
func openTerminal(t *testing.T, columns, rows uint16) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// readUntil reads until the terminal was sent a text.
func readUntil(t *testing.T, master *os.File, seen *bytes.Buffer, text string) {
	t.Helper()
	chunk := make([]byte, 4096)
	for !bytes.Contains(seen.Bytes(), []byte(text)) {
		n, err := master.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %q", err, seen)
		}
		seen.Write(chunk[:n])
	}
}

// On a terminal, whatever it says of its size, the bar shows how much is done and
// takes itself away in the end.
func TestBarIsSeenOnTerminalsOfAnySize(t *testing.T) {
	for _, size := range []struct{ columns, rows uint16 }{{100, 30}, {30, 5}, {0, 0}, {0, 30}, {80, 0}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			master, terminal := openTerminal(t, size.columns, size.rows)
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			m := attach(terminal, "push", 100, 0, nil)
			if m == nil {
				t.Fatal("a terminal gets no bar")
			}
			m.Add(50)
			var seen bytes.Buffer
			readUntil(t, master, &seen, "50 %")
			for _, text := range []string{"push", "[=", "-]"} {
				if !bytes.Contains(seen.Bytes(), []byte(text)) {
					t.Errorf("%q lacks %q", seen.String(), text)
				}
			}
			m.Stop()
			if _, err := terminal.WriteString("the end"); err != nil {
				t.Fatal(err)
			}
			readUntil(t, master, &seen, "the end")
			if !bytes.HasSuffix(seen.Bytes(), []byte("\x1b[Jthe end")) {
				t.Errorf("%q does not end with an erased line", seen.String())
			}
		})
	}
}

// A meter that looks by itself shows how far the work is, and the note.
func TestWatchedWorkShowsItsNote(t *testing.T) {
	master, terminal := openTerminal(t, 100, 30)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m := attach(terminal, "swarm", 100, 0, func() (int64, string) { return 25, "12 runs" })
	var seen bytes.Buffer
	readUntil(t, master, &seen, "12 runs")
	if !bytes.Contains(seen.Bytes(), []byte("25 %")) {
		t.Errorf("%q lacks the share that is done", seen.String())
	}
	m.Stop()
}
