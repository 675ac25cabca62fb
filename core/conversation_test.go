package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestConversations plays testdata/*.txt: what a few nodes say to each other,
// step by step. Each file begins with the section of the paper it follows.
// Rewrite the expected traffic with
//
//	go test ./core -run Conversations -rewrite
//
// and commit only differences that you can explain. The commands are the
// methods of talk named after them: see talk_test.go.
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return
		}
		k := newTalk(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			k.t = t
			return k.run(d)
		})
	})
}

// run dispatches one command and returns what was said meanwhile.
func (k *talk) run(d *datadriven.TestData) string {
	commands := map[string]func(*datadriven.TestData){
		"add-nodes": k.addNodes,
		"restart":   k.restart,
		"join":      k.join,
		"advance":   k.advance,
		"deliver":   k.deliver,
		"stabilize": k.stabilize,
		"drop":      k.drop,
		"cut":       k.cut,
		"heal":      k.heal,
		"kill":      k.kill,
		"pause":     k.pause,
		"put":       k.put,
		"delete":    k.delete,
		"publish":   k.publish,
		"ask":       k.ask,
		"answer":    k.answer,
		"leave":     k.leave,
		"retire":    k.retire,
		"status":    k.status,
		"facts":     k.facts,
		"quiet":     k.setQuiet,
	}
	command, ok := commands[d.Cmd]
	if !ok {
		k.t.Fatalf("%s: no command %q", d.Pos, d.Cmd)
	}
	k.said = k.said[:0]
	command(d)
	if len(k.said) == 0 {
		return "(nothing)\n"
	}
	return string(k.said)
}

// node reads an argument that names a node, as n=2.
func (k *talk) node(d *datadriven.TestData, key string) *talker {
	var i int
	d.ScanArgs(k.t, key, &i)
	if i < 1 || i > len(k.talkers) {
		k.t.Fatalf("%s: there is no node %d", d.Pos, i)
	}
	return k.talkers[i-1]
}

func duration(k *talk, d *datadriven.TestData, text string) time.Duration {
	v, err := time.ParseDuration(text)
	if err != nil {
		k.t.Fatalf("%s: %v", d.Pos, err)
	}
	return v
}

func (k *talk) say(format string, args ...any) {
	k.said = append(k.said, k.readable(fmt.Sprintf(format, args...))...)
	k.said = append(k.said, '\n')
}
