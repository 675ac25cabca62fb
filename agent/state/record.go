package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/snapshot"
)

// PeersMax bounds the peers remembered. A thousand contacts find any cluster
// that still exists; more would be old addresses.
const PeersMax = 1024

// State is what survives a restart.
type State struct {
	// Epoch counts the starts of this node; 0 before the first.
	Epoch member.Epoch
	// Left: an operator made the node leave, so it does not return by itself to
	// the peers it knew.
	Left bool
	// Facts are the node's own metadata, the oldest write first.
	Facts []Fact
	// Peers are members it knew, the best contacts first; at most PeersMax are
	// kept.
	Peers []Peer
}

// Fact is one key of the own metadata.
type Fact struct {
	Key   string
	Value []byte
}

// Peer is a member as it was last known.
type Peer struct {
	ID    member.NodeID
	Name  member.Name
	Epoch member.Epoch
	State member.State
	Addr  netip.AddrPort
}

// The types of records.
const (
	recordEpoch = iota + 1
	recordLeft
	recordFact
	recordPeer
)

// ErrRecord is returned for a record that is whole and makes no sense: another
// program wrote it.
var ErrRecord = errors.New("record is not understood")

// records encodes a state. The payload is only valid until the next record.
func (s *State) records() iter.Seq[snapshot.Record] {
	return func(yield func(snapshot.Record) bool) {
		var b []byte
		emit := func(kind uint8, payload []byte) bool {
			b = payload[:0]
			return yield(snapshot.Record{Type: kind, Payload: payload})
		}
		left := byte(0)
		if s.Left {
			left = 1
		}
		if !emit(recordEpoch, binary.BigEndian.AppendUint64(b, uint64(s.Epoch))) || !emit(recordLeft, append(b, left)) {
			return
		}
		for _, f := range s.Facts {
			if !emit(recordFact, f.append(b)) {
				return
			}
		}
		for _, p := range s.Peers[:min(len(s.Peers), PeersMax)] {
			if !emit(recordPeer, p.append(b)) {
				return
			}
		}
	}
}

func (f Fact) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.Key)))
	b = append(b, f.Key...)
	return append(b, f.Value...)
}

func (p Peer) append(b []byte) []byte {
	b = append(b, p.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Epoch))
	b = append(b, byte(p.State))
	b = binary.BigEndian.AppendUint16(b, p.Addr.Port())
	b = append(b, byte(len(p.Name)))
	b = append(b, p.Name...)
	return append(b, p.Addr.Addr().AsSlice()...)
}

// decode reads what records wrote.
func decode(records []snapshot.Record) (State, error) {
	var s State
	for i, r := range records {
		ok := true
		switch r.Type {
		case recordEpoch:
			if ok = len(r.Payload) == 8; ok {
				s.Epoch = member.Epoch(binary.BigEndian.Uint64(r.Payload))
			}
		case recordLeft:
			if ok = len(r.Payload) == 1 && r.Payload[0] <= 1; ok {
				s.Left = r.Payload[0] == 1
			}
		case recordFact:
			var f Fact
			f, ok = decodeFact(r.Payload)
			s.Facts = append(s.Facts, f)
		case recordPeer:
			var p Peer
			p, ok = decodePeer(r.Payload)
			s.Peers = append(s.Peers, p)
		}
		if !ok {
			return State{}, fmt.Errorf("record %d of type %d: %w", i, r.Type, ErrRecord)
		}
	}
	return s, nil
}

func decodeFact(b []byte) (Fact, bool) {
	if len(b) < 2 {
		return Fact{}, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n == 0 || n > len(b) {
		return Fact{}, false
	}
	return Fact{Key: string(b[:n]), Value: b[n:]}, true
}

func decodePeer(b []byte) (p Peer, ok bool) {
	const fixed = member.NodeIDSize + 8 + 1 + 2 + 1
	if len(b) < fixed {
		return p, false
	}
	copy(p.ID[:], b)
	b = b[member.NodeIDSize:]
	p.Epoch = member.Epoch(binary.BigEndian.Uint64(b))
	p.State = member.State(b[8])
	port := binary.BigEndian.Uint16(b[9:])
	name, b := int(b[11]), b[12:]
	if name > len(b) {
		return p, false
	}
	p.Name = member.Name(b[:name])
	addr, ok := netip.AddrFromSlice(b[name:])
	p.Addr = netip.AddrPortFrom(addr, port)
	return p, ok && p.State.Valid() && p.Name.Validate() == nil
}
