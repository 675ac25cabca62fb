package seal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// RingFile is the name of a ring's file within a data directory.
const RingFile = "ring.key"

// ringTitle is the first line of the ring file; its number is the format.
const ringTitle = "hearsay ring 1"

// ringEnd is the last line, so that a file that was cut is found out.
const ringEnd = "end"

// WriteRing writes the ring to the file [RingFile] in dir, readable by the
// owner alone. The file appears whole or not at all; an existing one is never
// replaced ([io/fs.ErrExist]).
//
// The file is text, and its form is exact:
//
//	hearsay ring 1
//	cluster <32 digits>
//	primary <key id, 8 digits> <key, 64 digits>
//	key     <key id, 8 digits> <key, 64 digits>
//	end
//
// with a key line for each further key, ordered by key ID. A key ID is derived from
// the key and the cluster, so each key line is checked by itself.
func WriteRing(dir string, ring *Ring) error {
	if err := writeKeyFile(dir, RingFile, ring.encode()); err != nil {
		return fmt.Errorf("write ring: %w", err)
	}
	return nil
}

// ReplaceRing is [WriteRing] over an existing file: the step of a key rotation
// that must be durable before it is acknowledged.
func ReplaceRing(dir string, ring *Ring) error {
	if err := replaceKeyFile(dir, RingFile, ring.encode()); err != nil {
		return fmt.Errorf("replace ring: %w", err)
	}
	return nil
}

// LoadRing reads what [WriteRing] wrote. The error is [io/fs.ErrNotExist] when
// there is no file, [ErrKeyFileMode] when others can read it, and [ErrKeyFile]
// with the line at fault when its contents are damaged.
func LoadRing(dir string) (*Ring, error) {
	path, text, err := readKeyFile(dir, RingFile)
	if err != nil {
		return nil, fmt.Errorf("load ring: %w", err)
	}
	ring, err := decodeRing(text)
	if err != nil {
		return nil, fmt.Errorf("load ring: %s: %w", path, err)
	}
	return ring, nil
}

func (r *Ring) encode() []byte {
	text := fmt.Appendf(nil, "%s\ncluster %s\n", ringTitle, r.cluster)
	text = r.keys[0].encode(text, "primary")
	others := slices.SortedFunc(slices.Values(r.keys[1:]), func(a, b *ringKey) int {
		return bytes.Compare(a.id[:], b.id[:])
	})
	for _, k := range others {
		text = k.encode(text, "key    ")
	}
	return append(text, ringEnd+"\n"...)
}

func (k *ringKey) encode(text []byte, word string) []byte {
	return fmt.Appendf(text, "%s %s %s\n", word, k.id, hex.EncodeToString(k.secret[:]))
}

// decodeRing reads the lines one by one for errors that name them, and then
// demands that the whole is exactly what encode would write.
func decodeRing(text []byte) (*Ring, error) {
	ring := &Ring{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == ringEnd {
			break
		}
		if err := ring.decodeLine(n, line); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrKeyFile, n, err)
		}
	}
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("%w: line %d: no primary key", ErrKeyFile, n)
	}
	if !bytes.Equal(ring.encode(), text) {
		return nil, fmt.Errorf("%w: keys are not in order, or the last line is not %q", ErrKeyFile, ringEnd)
	}
	return ring, nil
}

func (r *Ring) decodeLine(n int, line string) error {
	switch n {
	case 1:
		if line != ringTitle {
			return fmt.Errorf("want %q", ringTitle)
		}
		return nil
	case 2:
		digits, ok := strings.CutPrefix(line, "cluster ")
		if !ok || !decodeHex(r.cluster[:], digits) {
			return fmt.Errorf("want \"cluster\" and %d hexadecimal digits", 2*clusterIDSize)
		}
		return nil
	}
	word := "key    "
	if n == 3 {
		word = "primary"
	}
	return r.decodeKey(word, line)
}

func (r *Ring) decodeKey(word, line string) error {
	var id KeyID
	var secret Key
	idDigits, digits, _ := strings.Cut(strings.TrimPrefix(line, word+" "), " ")
	switch {
	case !strings.HasPrefix(line, word+" "), !decodeHex(id[:], idDigits), !decodeHex(secret[:], digits):
		return fmt.Errorf("want %q, %d and %d hexadecimal digits", word, 2*keyIDSize, 2*keySize)
	case len(r.keys) == ringKeysMax:
		return fmt.Errorf("over %d keys", ringKeysMax)
	}
	k := newRingKey(r.cluster, secret)
	if k.id != id {
		return fmt.Errorf("key %s does not belong to its id or to the cluster", id)
	}
	if r.find(id) != nil {
		return fmt.Errorf("key %s is there twice", id)
	}
	r.keys = append(r.keys, k)
	return nil
}

// decodeHex fills dst from exactly as many digits as it needs.
func decodeHex(dst []byte, digits string) bool {
	if len(digits) != 2*len(dst) {
		return false
	}
	_, err := hex.Decode(dst, []byte(digits))
	return err == nil
}
