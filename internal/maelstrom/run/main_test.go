package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// asNode has the test's own program be a node that echoes: right, or for "liar"
// wrong.
const asNode = "MAELSTROM_TEST_NODE"

func TestMain(m *testing.M) {
	switch as := os.Getenv(asNode); as {
	case "":
		os.Exit(m.Run())
	default:
		echo(as == "liar")
	}
}

func echo(lie bool) {
	name := ""
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var m struct {
			Src  string
			Body struct {
				Type   string
				MsgID  int    `json:"msg_id"`
				NodeID string `json:"node_id"`
				Echo   string
			}
		}
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			panic(err)
		}
		if m.Body.Type == "init" {
			name = m.Body.NodeID
			fmt.Printf(`{"src":%q,"dest":%q,"body":{"type":"init_ok","in_reply_to":%d}}`+"\n", name, m.Src, m.Body.MsgID)
			continue
		}
		if lie {
			m.Body.Echo = "no"
		}
		fmt.Printf(`{"src":%q,"dest":%q,"body":{"type":"echo_ok","echo":%q,"in_reply_to":%d}}`+"\n", name, m.Src, m.Body.Echo, m.Body.MsgID)
	}
}

func TestExitCodes(t *testing.T) {
	short := []string{"-workload", "echo", "-nodes", "2", "-rate", "500", "-time-limit", "100ms", "-bin", os.Args[0]}
	for _, c := range []struct {
		node string
		args []string
		code int
		want string
	}{
		{"honest", short, 0, "valid"},
		{"liar", short, exitNotValid, "NOT VALID"},
		{"honest", append(short, "-loss", "2"), exitNotRun, "bad options: loss 2"},
		{"honest", []string{"-workload", "echo"}, exitNotRun, "no program"},
		{"honest", []string{"-speed", "9"}, exitNotRun, "-speed"},
		{"honest", []string{"-bin", "./no-such-program"}, exitNotRun, "no-such-program"},
	} {
		t.Setenv(asNode, c.node)
		var out, log strings.Builder
		if code := run(t.Context(), c.args, &out, &log); code != c.code || !strings.Contains(out.String()+log.String(), c.want) {
			t.Errorf("%q: exit %d, want %d and %q\n%s%s", c.args, code, c.code, c.want, &out, &log)
		}
	}
}
