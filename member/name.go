package member

import "errors"

// NameMax is the longest name in bytes. 128 holds any DNS label path in use
// as a host name and leaves most of a datagram to the records beside it.
const NameMax = 128

// Name is what people call a node. It is a claim: two nodes may make the same
// one, and then the first that is not dead holds it.
type Name string

// ErrName is returned by [Name.Validate].
var ErrName = errors.New("name: want 1 to 128 characters of A-Z a-z 0-9 . _ -")

// Validate returns [ErrName] unless the name matches [A-Za-z0-9._-]{1,128}.
func (n Name) Validate() error {
	if len(n) == 0 || len(n) > NameMax {
		return ErrName
	}
	for i := range len(n) {
		if !nameByte(n[i]) {
			return ErrName
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '.' || c == '_' || c == '-'
}
