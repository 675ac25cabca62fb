package udp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// fanout is like one gossip round of a busy node: as many peers, each with a
// packet of its own, since every packet is sealed for its counter.
const fanout = 64

// BenchmarkFanout compares ways to send one packet to each of 64 peers; the
// figures are in docs/adr/0004-one-packet-per-call.md. Batches exist
// on Linux only.
func BenchmarkFanout(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"200B", 200}, {"1232B", 1232}} {
		b.Run("Transport/"+size.name, func(b *testing.B) { benchmarkFanout(b, size.bytes, viaTransport) })
		b.Run("WriteToUDPAddrPort/"+size.name, func(b *testing.B) { benchmarkFanout(b, size.bytes, viaCalls) })
		b.Run("WriteBatch/"+size.name, func(b *testing.B) { benchmarkFanout(b, size.bytes, viaBatch) })
	}
}

// benchmarkFanout measures rounds in which what way returns sends each packet
// to the peer of the same index. The figure is processor time (user and
// system), which other programs on the machine disturb less than they do the
// clock. The peers read between the rounds, outside of the figure, so that no
// packet meets a full buffer.
func benchmarkFanout(
	b *testing.B, size int,
	way func(b *testing.B, from *Transport, to []netip.AddrPort, packets [][]byte) (round func() error),
) {
	from := listen(b, "127.0.0.1:0")
	var peers []*Transport
	var to []netip.AddrPort
	var packets [][]byte
	for range fanout {
		peer := listen(b, "127.0.0.1:0")
		peers, to = append(peers, peer), append(to, peer.Addr())
		packets = append(packets, make([]byte, size))
	}
	round := way(b, from, to, packets)
	buf := make([]byte, 2048)
	var spent time.Duration
	for b.Loop() {
		start := processorTime(b)
		if err := round(); err != nil {
			b.Fatal(err)
		}
		spent += processorTime(b) - start
		for _, peer := range peers {
			if n, _, err := peer.Receive(buf); err != nil || n != size {
				b.Fatal(n, err)
			}
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/fanout, "cpu-ns/packet")
}

// processorTime returns what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func viaTransport(_ *testing.B, from *Transport, to []netip.AddrPort, packets [][]byte) func() error {
	return func() error {
		for i, packet := range packets {
			if err := from.Send(to[i], packet); err != nil {
				return err
			}
		}
		return nil
	}
}

func viaCalls(b *testing.B, from *Transport, to []netip.AddrPort, packets [][]byte) func() error {
	conn := socket(b, from)
	return func() error {
		for i, packet := range packets {
			if _, err := conn.WriteToUDPAddrPort(packet, to[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func viaBatch(b *testing.B, from *Transport, to []netip.AddrPort, packets [][]byte) func() error {
	conn := ipv4.NewPacketConn(socket(b, from))
	batch := make([]ipv4.Message, len(packets))
	for i := range batch {
		batch[i] = ipv4.Message{Buffers: [][]byte{packets[i]}, Addr: net.UDPAddrFromAddrPort(to[i])}
	}
	return func() error {
		for sent := 0; sent < len(batch); {
			n, err := conn.WriteBatch(batch[sent:], 0)
			if err != nil {
				return err
			}
			sent += n
		}
		return nil
	}
}

// socket returns the socket of a transport, without the write deadline that
// only [Transport.Send] keeps ahead.
func socket(b *testing.B, tr *Transport) *net.UDPConn {
	b.Helper()
	conn := tr.packets.(*net.UDPConn)
	if err := conn.SetWriteDeadline(time.Time{}); err != nil {
		b.Fatal(err)
	}
	return conn
}
