package udp

import "testing"

// BenchmarkSend sends to a socket that nobody reads: what does not fit its
// buffer is dropped by the kernel, at the same cost to the sender.
func BenchmarkSend(b *testing.B) {
	from, to := listen(b, "127.0.0.1:0"), listen(b, "127.0.0.1:0")
	packet := make([]byte, 1232)
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	for b.Loop() {
		if err := from.Send(to.Addr(), packet); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendReceive moves one datagram there and reads it, on one core.
func BenchmarkSendReceive(b *testing.B) {
	from, to := listen(b, "127.0.0.1:0"), listen(b, "127.0.0.1:0")
	packet, buf := make([]byte, 1232), make([]byte, 2048)
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	for b.Loop() {
		if err := from.Send(to.Addr(), packet); err != nil {
			b.Fatal(err)
		}
		if n, _, err := to.Receive(buf); err != nil || n != len(packet) {
			b.Fatal(n, err)
		}
	}
}
