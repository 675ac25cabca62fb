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
	payload := wire.Append(goldenNamed(b, "ping").bytes(), goldenNamed(b, "ack").message)
	benchmarkWalk(b, payload)
}

// fullDatagram is records of different nodes, as many as a datagram holds.
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
	b.ReportMetric(float64(len(records)), "records/op")
}

// BenchmarkDecodeRecords reads a full datagram into one struct. The names all
// differ, so each is allocated: this is what a view of strangers costs.
func BenchmarkDecodeRecords(b *testing.B) {
	payload, _ := fullDatagram(b)
	benchmarkWalk(b, payload)
}

func benchmarkWalk(b *testing.B, payload []byte) {
	reused := map[wire.Type]decoder{}
	messages := 0
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		messages = 0
		if _, err := walk(payload, reused, func(wire.Type, []byte, decoder) { messages++ }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages), "messages/op")
}
