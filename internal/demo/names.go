package demo

import "strconv"

// names are short, so that a grid of them fits on a small terminal, and begin
// with the letters of the alphabet, so that 26 are told apart at a glance.
var names = [...]string{
	"ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ida", "jon", "kim", "leo", "mia",
	"noah", "olga", "pia", "quin", "rosa", "sam", "tom", "uma", "vera", "will", "xena", "yara", "zoe",
}

// nameOf returns the name of the i-th node: ada … zoe, ada2 … zoe2, and so on.
func nameOf(i int) string {
	name := names[i%len(names)]
	if lap := i / len(names); lap > 0 {
		name += strconv.Itoa(lap + 1)
	}
	return name
}
