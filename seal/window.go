package seal

// windowWords makes a bitmap of 2,048 bits, 256 bytes a session. A sender
// counts all its receivers' packets with one counter, so at 20 packets a
// second the window spans 100 s of reordering.
const (
	windowWords = 32
	wordBits    = 64

	// windowSpan is how many counters are told apart, the newest included. It
	// is a word less than the bitmap, since the newest word is rarely full.
	windowSpan = (windowWords - 1) * wordBits
)

// window is the replay window of RFC 6479: a ring of words over the counters,
// cleared a word at a time as the newest advances, so that nothing is ever
// shifted. The zero value has seen nothing; counters begin at 1.
type window struct {
	top  uint64 // The highest counter seen; 0 before the first.
	bits [windowWords]uint64
}

// admit reports whether a counter is new, and marks it as seen. It must be
// asked only for packets that proved authentic.
func (w *window) admit(counter uint64) bool {
	if counter == 0 || counter+windowSpan < w.top+1 {
		return false
	}
	word := counter / wordBits
	if counter > w.top {
		w.advance(word)
		w.top = counter
	}
	bit := uint64(1) << (counter % wordBits)
	slot := &w.bits[word%windowWords]
	if *slot&bit != 0 {
		return false
	}
	*slot |= bit
	return true
}

// advance clears the words that come into use when the newest counter moves to
// the given word: at most all of them.
func (w *window) advance(word uint64) {
	current := w.top / wordBits
	for i := range min(word-current, windowWords) {
		w.bits[(current+1+i)%windowWords] = 0
	}
}

// floor makes a window that refuses every counter up to top.
func floor(top uint64) window {
	w := window{top: top}
	for i := range w.bits {
		w.bits[i] = ^uint64(0)
	}
	// The bits above top within its own word are yet to come.
	w.bits[top/wordBits%windowWords] = uint64(2)<<(top%wordBits) - 1
	return w
}
