package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
)

const initAlone = `{"id":0,"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}`

func newNode(t *testing.T) *Node {
	return NewNode(Config{
		Compare: Compare, Rand: rand.New(rand.NewPCG(1, 1)), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
}

// ask hands in a body and returns the body of the answer.
func ask(t *testing.T, n *Node, body string) string {
	t.Helper()
	n.Line(0, []byte(`{"id":7,"src":"c1","dest":"n0","body":`+body+`}`))
	out := bytes.Join(n.Output(), []byte("\n"))
	rest, ok := bytes.CutPrefix(out, []byte(`{"src":"n0","dest":"c1","body":`))
	if !ok {
		return string(out)
	}
	return strings.TrimSuffix(string(rest), "}")
}

func TestAnswers(t *testing.T) {
	n := newNode(t)
	n.Line(0, []byte(initAlone))
	if got, want := string(bytes.Join(n.Output(), nil)), `{"src":"n0","dest":"c0","body":{"in_reply_to":1,"msg_id":1,"type":"init_ok"}}`; got != want {
		t.Fatalf("init: %s, want %s", got, want)
	}
	for _, c := range []struct{ request, want string }{
		{`{"type":"echo","msg_id":5,"echo":{"a":[1]}}`, `{"echo":{"a":[1]},"in_reply_to":5,"msg_id":2,"type":"echo_ok"}`},
		{`{"type":"generate","msg_id":6}`, `{"id":"n0-1","in_reply_to":6,"msg_id":3,"type":"generate_ok"}`},
		{`{"type":"generate","msg_id":7}`, `{"id":"n0-2","in_reply_to":7,"msg_id":4,"type":"generate_ok"}`},
		{`{"type":"read","msg_id":8}`, `{"in_reply_to":8,"msg_id":5,"type":"read_ok","value":[]}`},
		{`{"type":"add","msg_id":9,"element":3}`, `{"in_reply_to":9,"msg_id":6,"type":"add_ok"}`},
		{`{"type":"add","msg_id":10,"element":[1, "b"]}`, `{"in_reply_to":10,"msg_id":7,"type":"add_ok"}`},
		{`{"type":"add","msg_id":11,"element":[1,"b"]}`, `{"in_reply_to":11,"msg_id":8,"type":"add_ok"}`},
		{`{"type":"read","msg_id":12}`, `{"in_reply_to":12,"msg_id":9,"type":"read_ok","value":[3,[1,"b"]]}`},
		{`{"type":"topology","msg_id":13,"topology":{"n0":[]}}`, `{"in_reply_to":13,"msg_id":10,"type":"topology_ok"}`},
		{`{"type":"read","msg_id":14}`, `{"in_reply_to":14,"messages":[],"msg_id":11,"type":"read_ok"}`},
		{`{"type":"broadcast","msg_id":15,"message":1000}`, `{"in_reply_to":15,"msg_id":12,"type":"broadcast_ok"}`},
		{`{"type":"broadcast","msg_id":16,"message":1000}`, `{"in_reply_to":16,"msg_id":13,"type":"broadcast_ok"}`},
		{`{"type":"read","msg_id":17}`, `{"in_reply_to":17,"messages":[1000,1000],"msg_id":14,"type":"read_ok"}`},
		{`{"type":"broadcast","msg_id":18}`, `{"code":12,"in_reply_to":18,"msg_id":15,"text":"no value","type":"error"}`},
		{`{"type":"broadcast","msg_id":18,"message":"` + strings.Repeat("x", 5<<20) + `"}`, `{"code":12,"in_reply_to":18,"msg_id":16,"text":"publish 5242882 bytes, limit 4194304: payload too large","type":"error"}`},
		{`{"type":"init","msg_id":19,"node_id":"n0","node_ids":["n0"]}`, `{"code":12,"in_reply_to":19,"msg_id":17,"text":"this node was told who it is","type":"error"}`},
		{`{"type":"txn","msg_id":20}`, `{"code":10,"in_reply_to":20,"msg_id":18,"text":"no request of type txn","type":"error"}`},
	} {
		if got := ask(t, n, c.request); got != c.want {
			t.Errorf("%.200s\ngot  %s\nwant %s", c.request, got, c.want)
		}
	}
}

// What is not for this node to answer is passed over: an answer to it could end
// the reading of all its output.
func TestLinesPassedOver(t *testing.T) {
	n := newNode(t)
	if got := ask(t, n, `{"type":"echo","msg_id":1,"echo":1}`); got != "" {
		t.Errorf("before init: %s", got)
	}
	n.Line(0, []byte(initAlone))
	n.Output()
	for _, line := range []string{
		``, `hello`, `{"src":"c1","dest":"n0"}`, `{"src":"c1","dest":"n0","body":7}`,
		`{"src":"c1","dest":"n0","body":{"type":"read_ok","in_reply_to":1}}`,
		`{"src":"n7","dest":"n0","body":{"type":"gossip","data":"AAAA"}}`,
		`{"src":"n0","dest":"n0","body":{"type":"gossip","data":"not base64"}}`,
		`{"src":"n0","dest":"n0","body":{"type":"gossip","data":"////"}}`,
	} {
		if n.Line(0, []byte(line)); len(n.Output()) != 0 {
			t.Errorf("%q was answered", line)
		}
	}
}

func TestInitMustNameTheNode(t *testing.T) {
	n := newNode(t)
	n.Line(0, []byte(`{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n1"]}}`))
	if got := string(bytes.Join(n.Output(), nil)); !strings.Contains(got, `"code":12`) {
		t.Error(got)
	}
}

// A value may be larger than what one message between nodes holds.
func TestLargeValues(t *testing.T) {
	nodes := map[string]*Node{"n0": newNode(t), "n1": newNode(t), "n2": newNode(t)}
	for name, n := range nodes {
		n.Line(0, []byte(`{"src":"c0","dest":"","body":{"type":"init","msg_id":1,"node_id":"`+name+`","node_ids":["n0","n1","n2"]}}`))
	}
	large := `"` + strings.Repeat("x", 3<<20) + `"`
	nodes["n0"].Line(0, []byte(`{"src":"c0","dest":"n0","body":{"type":"add","msg_id":2,"element":`+large+`}}`))
	for range 100 {
		for _, name := range []string{"n0", "n1", "n2"} {
			nodes[name].Tick(0)
			for _, line := range nodes[name].Output() {
				var m message
				if err := json.Unmarshal(line, &m); err != nil {
					t.Fatal(err)
				}
				if to := nodes[m.Dest]; to != nil {
					to.Line(0, line)
				}
			}
		}
	}
	for name, n := range nodes {
		if len(n.set) != 1 || string(n.set[0]) != large {
			t.Errorf("%s has %d values", name, len(n.set))
		}
	}
}

func TestRunEndsWithItsInput(t *testing.T) {
	var out strings.Builder
	in := initAlone + "\n" + `{"id":1,"src":"c1","dest":"n0","body":{"type":"echo","msg_id":1,"echo":2}}`
	if err := run(newNode(t), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(out.String(), "\n"); len(lines) != 3 || !strings.Contains(lines[1], `"echo":2`) {
		t.Errorf("%q", lines)
	}
	broken := errors.New("broken")
	if err := run(newNode(t), io.MultiReader(strings.NewReader(initAlone), failing{broken}), &out); !errors.Is(err, broken) {
		t.Errorf("input that fails: %v", err)
	}
	if err := run(newNode(t), strings.NewReader(initAlone), failing{broken}); !errors.Is(err, broken) {
		t.Errorf("output that fails: %v", err)
	}
}

// failing is a file that cannot be used.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Write implements io.Writer.
func (f failing) Write([]byte) (int, error) { return 0, f.err }
