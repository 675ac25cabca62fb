package wire_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

const protocolPage = "../docs/protocol.md"

// generated is a block of the page: a marker that names it, and its fence.
var generated = regexp.MustCompile("(?ms)^<!-- generated: ([^\n]+) -->\n```text\n(.*?)^```$")

// looseHex is a line of an example that no golden stands behind.
var looseHex = regexp.MustCompile(`(?m)^\s*([0-9a-f]{2} ){3,}`)

// TestProtocolPage compares the generated blocks of docs/protocol.md with the
// goldens and the constants; -update writes them.
func TestProtocolPage(t *testing.T) {
	page, err := os.ReadFile(protocolPage)
	if err != nil {
		t.Fatal(err)
	}
	blocks := protocolBlocks()
	seen := map[string]int{}
	rewritten := generated.ReplaceAllStringFunc(string(page), func(block string) string {
		name := generated.FindStringSubmatch(block)[1]
		seen[name]++
		if _, ok := blocks[name]; !ok {
			t.Errorf("nothing generates block %q", name)
			return block
		}
		return "<!-- generated: " + name + " -->\n```text\n" + blocks[name] + "```"
	})
	for name := range blocks {
		if seen[name] != 1 {
			t.Errorf("block %q is on the page %d times, want once", name, seen[name])
		}
	}
	if rest := looseHex.FindString(generated.ReplaceAllString(string(page), "")); rest != "" {
		t.Errorf("hex that nothing checks: %q", rest)
	}
	if updating() {
		writeFile(t, protocolPage, rewritten)
	} else if rewritten != string(page) {
		t.Error("the page differs from the code: run go test ./wire -update")
	}
}

func protocolBlocks() map[string]string {
	blocks := map[string]string{"types": typesBlock(), "limits": limitsBlock(), "root": rootBlock()}
	for _, g := range goldens() {
		blocks[g.name] = goldenBlock(g)
	}
	return blocks
}

var trailing = regexp.MustCompile(`(?m) +$`)

// table aligns columns that are separated by tabs.
func table(lines func(w *tabwriter.Writer)) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	lines(w)
	if err := w.Flush(); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return trailing.ReplaceAllString(text.String(), "")
}

// goldenBlock prints a golden sixteen bytes a line, with the values of varints.
func goldenBlock(g golden) string {
	return table(func(w *tabwriter.Writer) {
		for i, f := range g.fields() {
			name := f.name
			switch {
			case i == 0:
				name = fmt.Sprintf("type = %s", g.message.Type())
			case f.uvarint:
				v, _ := binary.Uvarint(f.bytes)
				name = fmt.Sprintf("%s = %d", f.name, v)
			}
			for len(f.bytes) > 16 {
				fmt.Fprintf(w, "% x\t%s\n", f.bytes[:16], name)
				f.bytes, name = f.bytes[16:], ""
			}
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("% x\t%s", f.bytes, name), "\t"))
		}
	})
}

func typesBlock() string {
	return table(func(w *tabwriter.Writer) {
		for typ := wire.TypePing; typ.Known(); typ++ {
			fmt.Fprintf(w, "%02x\t%s\n", uint8(typ), typ)
		}
	})
}

func limitsBlock() string {
	return table(func(w *tabwriter.Writer) {
		for _, l := range []struct {
			name  string
			value int
			unit  string
		}{
			{"datagram sent, seal included", wire.DatagramMax, "bytes"},
			{"datagram accepted, seal included", wire.DatagramAcceptMax, "bytes"},
			{"messages in a datagram", wire.MessagesMax, ""},
			{"frame", wire.FrameMax, "bytes of payload"},
			{"frame that a sender aims at", wire.FrameTarget, "bytes of payload"},
			{"name", member.NameMax, "bytes"},
			{"addresses of a record", wire.AddrsMax, ""},
			{"keys of an owner", wire.KeysMax, ""},
			{"key", wire.KeyMax, "bytes"},
			{"value", wire.ValueMax, "bytes"},
			{"buckets of a digest", wire.BucketsMax, ""},
			{"payload of an event", wire.EventSizeMax, "bytes"},
			{"chunk of an event", wire.ChunkSize, "bytes"},
			{"topic", wire.TopicMax, "bytes"},
			{"names of a filter, and tags", wire.FilterMax, ""},
			{"name, key, value or zone in a filter", wire.FilterTextMax, "bytes"},
			{"timeout of a query", wire.QueryTimeoutMax, "ms"},
			{"runs of a relay-ack, a report, a pull, an entry of a heard", wire.RunsMax, ""},
		} {
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s\t%d %s", l.name, l.value, l.unit), " "))
		}
	})
}

func rootBlock() string {
	return table(func(w *tabwriter.Writer) {
		for _, g := range rootGoldens {
			fmt.Fprintf(w, "%s\t%016x\n", g.what, g.want)
		}
	})
}
