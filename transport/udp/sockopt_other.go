//go:build !linux

package udp

// force is for systems where privilege lifts the limit on buffers.
func force(uintptr, Config) {}

// dropped is for systems that count per socket what found the buffer full.
func dropped(uintptr) uint64 { return 0 }
