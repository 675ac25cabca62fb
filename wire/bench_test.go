package wire_test

import (
	"fmt"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// BenchmarkEncodeProbe writes a ping and an ack: what an idle node sends.
func BenchmarkEncodeProbe(b *testing.B) {
	ping := &wire.Ping{Seq: goldenSeq, Root: goldenRoot}
	ack := &wire.Ack{Seq: goldenSeq, Root: goldenRoot}
	buffer := make([]byte, 0, wire.DatagramMax)
	b.ReportAllocs()
	for b.Loop() {
		sink = wire.Append(wire.Append(buffer, ping), ack)
	}
	b.SetBytes(int64(len(sink)))
}

// BenchmarkDecodeProbe reads a ping and an ack.
func BenchmarkDecodeProbe(b *testing.B) {
	benchmarkDecode(b, wire.Append(goldenNamed(b, "ping").bytes(), goldenNamed(b, "ack").message))
}

// fullDatagram is records of different nodes, as many as a datagram holds: 8.
func fullDatagram(b *testing.B) (payload []byte, records []*wire.Record) {
	for i := 0; ; i++ {
		m := *goldenNamed(b, "record").message.(*wire.Record)
		m.Name = member.Name(fmt.Sprintf("node-%d", i))
		longer := wire.Append(payload, &m)
		if len(longer) > wire.DatagramMax {
			return payload, records
		}
		payload, records = longer, append(records, &m)
	}
}

// BenchmarkEncodeRecords fills a datagram.
func BenchmarkEncodeRecords(b *testing.B) {
	payload, records := fullDatagram(b)
	buffer := make([]byte, 0, wire.DatagramMax)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		sink = buffer
		for _, m := range records {
			sink = wire.Append(sink, m)
		}
	}
}

// BenchmarkDecodeRecords reads a full datagram into one struct. The names all
// differ, so each is allocated: this is what a view of strangers costs.
func BenchmarkDecodeRecords(b *testing.B) {
	payload, _ := fullDatagram(b)
	benchmarkDecode(b, payload)
}

// benchmarkDecode walks a payload as a driver does: a struct for each type that
// lives as long as the node, chosen by a switch.
func benchmarkDecode(b *testing.B, payload []byte) {
	var reused struct {
		ping   wire.Ping
		ack    wire.Ack
		record wire.Record
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := payload; len(rest) > 0; {
			typ, body, next, err := wire.Next(rest)
			switch {
			case err != nil:
			case typ == wire.TypePing:
				err = reused.ping.Decode(body)
			case typ == wire.TypeAck:
				err = reused.ack.Decode(body)
			case typ == wire.TypeRecord:
				err = reused.record.Decode(body)
			default:
				b.Fatalf("unexpected %s", typ)
			}
			if err != nil {
				b.Fatal(err)
			}
			rest = next
		}
	}
}
