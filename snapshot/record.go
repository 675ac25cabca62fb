package snapshot

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hearsay-gossip/hearsay/member"
)

// Identity says whose state a directory holds. Both parts are in every header.
type Identity struct {
	Cluster [16]byte
	Node    member.NodeID
}

// Record is one opaque piece of state.
type Record struct {
	Type    uint8 // 1 to 255, the caller's; 0 is refused
	Payload []byte
}

const (
	magic      = "hearsay\x1a" // ends in a byte that text does not hold
	format     = 1
	headerSize = 8 + 4 + 16 + 16 + 8 + 4
	endType    = 0
	endLength  = 4

	// MaxPayload is the largest payload of one record. It bounds what a damaged
	// length can make a reader ask for; a fact is a thousandth of it.
	MaxPayload = 16 << 20

	// readStep is how much a reader allocates before it has seen the bytes that
	// fill it.
	readStep = 64 << 10
)

// Errors of the content of a file. [Damage] wraps the first five.
var (
	ErrHeader   = errors.New("header is not a snapshot's")
	ErrChecksum = errors.New("checksum does not match")
	ErrLength   = errors.New("length is out of bounds")
	ErrShort    = errors.New("file ends inside a record")
	ErrTrailing = errors.New("bytes after the end record")

	// ErrFormat refuses a file that a later release wrote.
	ErrFormat = errors.New("format is unknown to this release")
	// ErrIdentity refuses a directory of another node or cluster.
	ErrIdentity = errors.New("snapshot belongs to another node or cluster")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeHeader returns the header of a generation and its checksum, from which
// the first record continues.
func encodeHeader(id Identity, generation uint64) ([]byte, uint32) {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, format)
	b = append(b, id.Cluster[:]...)
	b = append(b, id.Node[:]...)
	b = binary.BigEndian.AppendUint64(b, generation)
	sum := crc32.Checksum(b, castagnoli)
	return binary.BigEndian.AppendUint32(b, sum), sum
}

// encoder writes one file. The first error sticks in the buffered writer and
// comes out of finish.
type encoder struct {
	w     *bufio.Writer
	sum   uint32
	count uint32
}

func newEncoder(w io.Writer, id Identity, generation uint64) *encoder {
	e := &encoder{w: bufio.NewWriterSize(w, readStep)}
	var header []byte
	header, e.sum = encodeHeader(id, generation)
	e.put(header)
	return e
}

// put hands bytes to the buffered writer, which keeps an error until Flush.
func (e *encoder) put(b []byte) { _, _ = e.w.Write(b) }

// record writes one record; the error is about the record, not about the disk.
func (e *encoder) record(r Record) error {
	if r.Type == endType {
		return fmt.Errorf("record %d: %w", e.count, ErrType)
	}
	if len(r.Payload) > MaxPayload {
		return fmt.Errorf("record %d: %d bytes: %w", e.count, len(r.Payload), ErrTooLarge)
	}
	e.frame(r.Type, r.Payload)
	e.count++
	return nil
}

func (e *encoder) frame(kind uint8, payload []byte) {
	var head [5]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(payload)))
	head[4] = kind
	e.sum = crc32.Update(e.sum, castagnoli, head[:])
	e.sum = crc32.Update(e.sum, castagnoli, payload)
	e.put(head[:])
	e.put(payload)
	e.put(binary.BigEndian.AppendUint32(nil, e.sum))
}

// finish writes the end record and returns the first error of the disk.
func (e *encoder) finish() error {
	e.frame(endType, binary.BigEndian.AppendUint32(nil, e.count))
	return e.w.Flush()
}

// decoder reads one file up to its end or its first fault.
type decoder struct {
	r      *bufio.Reader
	sum    uint32
	offset int64 // of the record being read: everything before it is sound
}

func newDecoder(r io.Reader) *decoder {
	return &decoder{r: bufio.NewReaderSize(r, readStep)}
}

// header reads and checks the header. ErrFormat and ErrIdentity are verdicts
// about a sound header; any other error means that there is none.
func (d *decoder) header(id Identity, generation uint64) error {
	var b [headerSize]byte
	if _, err := io.ReadFull(d.r, b[:]); err != nil {
		return short(err)
	}
	d.sum = crc32.Checksum(b[:headerSize-4], castagnoli)
	switch {
	case string(b[:8]) != magic:
		return ErrHeader
	case binary.BigEndian.Uint32(b[headerSize-4:]) != d.sum:
		return ErrChecksum
	case binary.BigEndian.Uint32(b[8:]) != format:
		return fmt.Errorf("format %d: %w", binary.BigEndian.Uint32(b[8:]), ErrFormat)
	case [16]byte(b[12:28]) != id.Cluster || member.NodeID(b[28:44]) != id.Node:
		return fmt.Errorf("cluster %x, node %v: %w", b[12:28], member.NodeID(b[28:44]), ErrIdentity)
	case binary.BigEndian.Uint64(b[44:]) != generation:
		return fmt.Errorf("generation %d: %w", binary.BigEndian.Uint64(b[44:]), ErrHeader)
	}
	d.offset = headerSize
	return nil
}

// records reads the records up to the end record. On an error the records
// before it are sound, and offset says where they end.
func (d *decoder) records() ([]Record, error) {
	var records []Record
	for {
		r, err := d.next()
		if err != nil {
			return records, err
		}
		if r.Type != endType {
			records = append(records, r)
			continue
		}
		if int64(binary.BigEndian.Uint32(r.Payload)) != int64(len(records)) {
			return records, fmt.Errorf("end record counts %d of %d: %w", binary.BigEndian.Uint32(r.Payload), len(records), ErrLength)
		}
		if _, err := d.r.ReadByte(); err != io.EOF {
			return records, errors.Join(ErrTrailing, err)
		}
		return records, nil
	}
}

func (d *decoder) next() (Record, error) {
	var head [5]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return Record{}, short(err)
	}
	length, kind := binary.BigEndian.Uint32(head[:]), head[4]
	if length > MaxPayload || kind == endType && length != endLength {
		return Record{}, fmt.Errorf("%d bytes of type %d: %w", length, kind, ErrLength)
	}
	payload, err := d.payload(int(length))
	if err != nil {
		return Record{}, err
	}
	var tail [4]byte
	if _, err := io.ReadFull(d.r, tail[:]); err != nil {
		return Record{}, short(err)
	}
	sum := crc32.Update(crc32.Update(d.sum, castagnoli, head[:]), castagnoli, payload)
	if binary.BigEndian.Uint32(tail[:]) != sum {
		return Record{}, ErrChecksum
	}
	d.sum = sum
	d.offset += int64(len(head) + len(payload) + len(tail))
	return Record{kind, payload}, nil
}

// payload reads n bytes and allocates as they come, not as the length claims.
func (d *decoder) payload(n int) ([]byte, error) {
	b := make([]byte, 0, min(n, readStep))
	for len(b) < n {
		step := min(n-len(b), readStep)
		start := len(b)
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(d.r, b[start:]); err != nil {
			return nil, short(err)
		}
	}
	return b, nil
}

// short turns the end of the file into ErrShort; an error of the disk stays.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrShort
	}
	return err
}
