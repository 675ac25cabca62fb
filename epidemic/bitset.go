package epidemic

// bitset is a set of node indices, one bit each: ten million nodes are 1.25 MB,
// which stays in a processor's cache while rounds hit it at random.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }

func (b bitset) set(i int) { b[i>>6] |= 1 << (i & 63) }

func (b bitset) clear(i int) { b[i>>6] &^= 1 << (i & 63) }

// add sets bit i and reports whether it was clear.
func (b bitset) add(i int) bool {
	bit := uint64(1) << (i & 63)
	fresh := b[i>>6]&bit == 0
	b[i>>6] |= bit
	return fresh
}

func (b bitset) reset() { clear(b) }
