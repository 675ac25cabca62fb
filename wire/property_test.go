package wire_test

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// exactly generates n bytes.
func exactly(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }

var (
	anySeq        = rapid.Map(rapid.Uint32(), func(n uint32) wire.Seq { return wire.Seq(n) })
	anyRoot       = rapid.Map(rapid.Uint64(), func(n uint64) wire.Root { return wire.Root(n) })
	anyGeneration = rapid.Map(rapid.Uint64(), func(n uint64) wire.Generation { return wire.Generation(n) })
	anyVersion    = rapid.Map(rapid.Uint64(), func(n uint64) wire.Version { return wire.Version(n) })
	anyID         = rapid.Map(exactly(16), func(b []byte) member.NodeID { return member.NodeID(b) })
	anySignature  = rapid.Map(exactly(64), func(b []byte) [64]byte { return [64]byte(b) })
	anyName       = rapid.Map(rapid.StringMatching(`[A-Za-z0-9._-]{1,128}`), func(s string) member.Name { return member.Name(s) })
)

func anyClaim(states ...member.State) *rapid.Generator[member.Claim] {
	return rapid.Custom(func(t *rapid.T) member.Claim {
		return member.Claim{
			State:       rapid.SampledFrom(states).Draw(t, "state"),
			Epoch:       member.Epoch(rapid.Uint64().Draw(t, "epoch")),
			Incarnation: member.Incarnation(rapid.Uint64().Draw(t, "incarnation")),
		}
	})
}

func anyDuration(unit time.Duration, limit int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(0, limit), func(n int) time.Duration { return time.Duration(n) * unit })
}

var anyAge = anyDuration(time.Second, 366*24*3600)

var anyAddr = rapid.Custom(func(t *rapid.T) netip.AddrPort {
	port := rapid.Uint16().Draw(t, "port")
	if rapid.Bool().Draw(t, "IPv4") {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(exactly(4).Draw(t, "address"))), port)
	}
	ip := netip.AddrFrom16([16]byte(exactly(16).Draw(t, "address")))
	return netip.AddrPortFrom(ip.Unmap(), port)
})

// anyEntry generates entries that are as often tiny as large.
func anyEntry(version wire.Version) *rapid.Generator[wire.Entry] {
	return rapid.Custom(func(t *rapid.T) wire.Entry {
		e := wire.Entry{
			Version:   version,
			Tombstone: rapid.Bool().Draw(t, "tombstone"),
			Key:       rapid.SliceOfN(rapid.Byte(), 1, wire.KeyMax).Draw(t, "key"),
			Value:     []byte{},
			Signature: anySignature.Draw(t, "signature"),
		}
		if !e.Tombstone {
			e.Value = bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "value"), rapid.IntRange(1, 1024).Draw(t, "times"))
		}
		return e
	})
}

// ascendingVersions generates 0 to 5 versions of a delta, each above the one
// before; the first stands for From.
var ascendingVersions = rapid.Custom(func(t *rapid.T) []wire.Version {
	all := []wire.Version{wire.Version(rapid.Uint64Range(0, 1<<63).Draw(t, "from"))}
	for _, gap := range rapid.SliceOfN(rapid.Uint64Range(1, 1<<60), 0, 5).Draw(t, "gaps") {
		all = append(all, all[len(all)-1]+wire.Version(gap))
	}
	return all
})

var anyStamp = rapid.Custom(func(t *rapid.T) wire.Stamp {
	s := wire.Stamp{
		ID:         anyID.Draw(t, "id"),
		Claim:      anyClaim(member.Alive, member.Suspect, member.Dead, member.Left).Draw(t, "claim"),
		Generation: anyGeneration.Draw(t, "generation"),
		Version:    anyVersion.Draw(t, "version"),
	}
	if s.Claim.State.Gone() {
		s.Age = anyAge.Draw(t, "age")
	}
	return s
})

// anyOf generates messages of a type, over all that its fields may hold.
func anyOf(typ wire.Type) *rapid.Generator[decoder] {
	return rapid.Custom(func(t *rapid.T) decoder {
		switch typ {
		case wire.TypePing:
			return &wire.Ping{Seq: anySeq.Draw(t, "seq"), Root: anyRoot.Draw(t, "root")}
		case wire.TypeAck:
			return &wire.Ack{Seq: anySeq.Draw(t, "seq"), Root: anyRoot.Draw(t, "root"), Relayed: rapid.Bool().Draw(t, "relayed")}
		case wire.TypePingReq:
			return &wire.PingReq{
				Seq: anySeq.Draw(t, "seq"), Target: anyID.Draw(t, "target"), Addr: anyAddr.Draw(t, "address"),
				Budget: anyDuration(time.Millisecond, 60_000).Draw(t, "budget"),
			}
		case wire.TypeNack:
			return &wire.Nack{Seq: anySeq.Draw(t, "seq")}
		case wire.TypeRecord:
			return anyRecord(t)
		case wire.TypeAccuse:
			return &wire.Accuse{
				Subject: anyID.Draw(t, "subject"), Accuser: anyID.Draw(t, "accuser"), Age: anyAge.Draw(t, "age"),
				Claim: anyClaim(member.Suspect, member.Dead, member.Left).Draw(t, "claim"),
			}
		case wire.TypeFact:
			return &wire.Fact{
				Owner: anyID.Draw(t, "owner"), Generation: anyGeneration.Draw(t, "generation"), Hops: rapid.Byte().Draw(t, "hops"),
				Entry: anyEntry(max(1, anyVersion.Draw(t, "version"))).Draw(t, "entry"),
			}
		case wire.TypeAdvert:
			return &wire.Advert{
				Owner: anyID.Draw(t, "owner"), Generation: anyGeneration.Draw(t, "generation"), Version: anyVersion.Draw(t, "version"),
			}
		case wire.TypeDelta:
			return anyDelta(t)
		case wire.TypeDigest:
			return digestOf(exactly(8<<rapid.IntRange(0, 8).Draw(t, "shift")).Draw(t, "hashes"))
		case wire.TypeEntries:
			return anyEntries(t)
		case wire.TypeWant:
			return anyWant(t)
		case wire.TypeJoin:
			return &wire.Join{Seq: anySeq.Draw(t, "seq")}
		case wire.TypeJoinAck:
			status := rapid.SampledFrom([]wire.JoinStatus{wire.JoinAccepted, wire.JoinFull})
			return &wire.JoinAck{Seq: anySeq.Draw(t, "seq"), Status: status.Draw(t, "status")}
		case wire.TypeLeave:
			return &wire.Leave{Seq: anySeq.Draw(t, "seq"), ID: anyID.Draw(t, "id")}
		case wire.TypeLeaveAck:
			return &wire.LeaveAck{Seq: anySeq.Draw(t, "seq")}
		case wire.TypeRelay:
			return anyRelay(t)
		case wire.TypeRelayAck:
			return anyRelayAck(t)
		case wire.TypeReport:
			return anyReport(t)
		case wire.TypeHeard:
			return anyHeard(t)
		case wire.TypePull:
			return anyPull(t)
		case wire.TypeAnswer:
			return anyAnswer(t)
		case wire.TypeHeardRoot:
			return &wire.HeardRoot{Root: rapid.Uint64().Draw(t, "root")}
		}
		panic("no generator for " + typ.String())
	})
}

func anyRecord(t *rapid.T) decoder {
	return &wire.Record{
		ID:        anyID.Draw(t, "id"),
		PublicKey: [32]byte(exactly(32).Draw(t, "public key")),
		Anchor:    [16]byte(exactly(16).Draw(t, "anchor")),
		Protocol:  rapid.Byte().Draw(t, "protocol"),
		Claim:     anyClaim(member.Alive, member.Left).Draw(t, "claim"),
		Name:      anyName.Draw(t, "name"),
		Addrs:     rapid.SliceOfN(anyAddr, 1, wire.AddrsMax).Draw(t, "addresses"),
		Signature: anySignature.Draw(t, "signature"),
	}
}

func anyDelta(t *rapid.T) decoder {
	versions := ascendingVersions.Draw(t, "versions")
	last := versions[len(versions)-1]
	to := last + wire.Version(rapid.Uint64Range(0, uint64(^last)).Draw(t, "superseded at the end"))
	d := wire.Delta{
		Owner: anyID.Draw(t, "owner"), Generation: anyGeneration.Draw(t, "generation"), From: versions[0], To: to,
		Latest: to + wire.Version(rapid.Uint64Range(0, uint64(^to)).Draw(t, "left")),
	}
	var entries []wire.Entry
	for _, v := range versions[1:] {
		entries = append(entries, anyEntry(v).Draw(t, "entry"))
	}
	return deltaOf(d, entries...)
}

func anyEntries(t *rapid.T) decoder {
	buckets := 1 << rapid.IntRange(0, 8).Draw(t, "shift")
	covered := rapid.SliceOfN(rapid.IntRange(0, buckets-1), 0, 8).Draw(t, "covered")
	return entriesOf(buckets, covered, rapid.SliceOfN(anyStamp, 0, 8).Draw(t, "stamps")...)
}

func anyWant(t *rapid.T) decoder {
	m := &wire.Want{ID: anyID.Draw(t, "id"), Record: rapid.Bool().Draw(t, "record")}
	if m.Facts = !m.Record || rapid.Bool().Draw(t, "facts"); m.Facts {
		m.Generation, m.From = anyGeneration.Draw(t, "generation"), anyVersion.Draw(t, "from")
	}
	return m
}

var anyMessage = rapid.Custom(func(t *rapid.T) decoder {
	typ := wire.Type(rapid.IntRange(int(wire.TypePing), int(wire.TypeHeardRoot)).Draw(t, "type"))
	return anyOf(typ).Draw(t, "message")
})

func TestAnyMessageRoundTrips(t *testing.T) {
	for typ := wire.TypePing; typ.Known(); typ++ {
		t.Run(typ.String(), rapid.MakeCheck(func(t *rapid.T) {
			want := anyOf(typ).Draw(t, "message")
			body := want.AppendBody(nil)
			got := blank(typ)
			if err := got.Decode(body); err != nil {
				t.Fatalf("%s: %v", want.Describe(), err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v arrives as %+v", want, got)
			}
			if again := got.AppendBody(nil); !bytes.Equal(again, body) {
				t.Fatalf("% x, encoded again % x", body, again)
			}
			if line := got.Describe(); strings.ContainsAny(line, "\n\r\x1b") || !strings.HasPrefix(line, typ.String()+" ") {
				t.Fatalf("Describe() = %q", line)
			}
		}))
	}
}

// A message next to others decodes as it does alone, and a struct that held
// one message holds nothing of it after the next.
func TestAnyPayloadIsWalkedMessageByMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(anyMessage, 1, 12).Draw(t, "messages")
		var payload []byte
		size := 0
		for _, m := range messages {
			payload = wire.Append(payload, m)
			size += wire.Size(len(m.AppendBody(nil)))
		}
		if size != len(payload) {
			t.Fatalf("%d bytes, by Size %d", len(payload), size)
		}
		reused := map[wire.Type]decoder{}
		for _, want := range messages {
			typ, body, rest, err := wire.Next(payload)
			if err != nil || typ != want.Type() {
				t.Fatalf("Next = %s, %v, want %s", typ, err, want.Type())
			}
			if reused[typ] == nil {
				reused[typ] = blank(typ)
			}
			if err := reused[typ].Decode(body); err != nil || !reflect.DeepEqual(reused[typ], want) {
				t.Fatalf("%+v arrives as %+v, %v", want, reused[typ], err)
			}
			payload = rest
		}
		if len(payload) != 0 {
			t.Fatalf("%d bytes left over", len(payload))
		}
	})
}

func TestAnyTruncationOfAPayloadIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := wire.Append(nil, anyMessage.Draw(t, "message"))
		cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
		if typ, body, _, err := wire.Next(whole[:cut]); err == nil {
			t.Fatalf("%d of %d bytes: Next = %s with %d bytes", cut, len(whole), typ, len(body))
		}
	})
}
