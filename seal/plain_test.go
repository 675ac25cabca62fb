package seal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

// The rows: kind, cluster id; sender, epoch; receiver; payload, CRC32C.
const goldenPlain = `
	13 d417ff53f35e42f505d13abb6411d29b
	741d8f62fd029c5a393099321114d736 0000000000000007
	7c5e67222c3184b95c391c1fcd5c3e48
	65766572796f6e652077696c6c206b6e6f77 ae203814
`

func TestPlainPacketMatchesGolden(t *testing.T) {
	a, b := testBox(t, 1, 7, insecurely), testBox(t, 2, 1, insecurely)
	packet := sealTo(t, a, 0, b, "everyone will know")
	if !bytes.Equal(packet, unhex(t, goldenPlain)) {
		t.Errorf("\n got %x\nwant %s", packet, goldenPlain)
	}
	if want := plainOverhead + 18; len(packet) != want {
		t.Errorf("%d bytes, want %d", len(packet), want)
	}
	if peer := mustOpen(t, b, 0, packet, "everyone will know"); peer != (Peer{ID: a.identity.ID(), Epoch: 7}) {
		t.Errorf("sender is %v", peer)
	}
}

func TestPlainFaultsAreRefused(t *testing.T) {
	a, b := testBox(t, 1, 1, insecurely), testBox(t, 2, 1, insecurely)
	packet := sealTo(t, a, 0, b, "words")
	for i := range 8 * len(packet) {
		bad := slices.Clone(packet)
		bad[i/8] ^= 1 << (i % 8)
		want := Malformed
		switch {
		case i/4 == 1:
			want = BadVersion
		case i < 8:
			want = BadMagic
		}
		mustRefuse(t, b, 0, bad, want)
	}
	for n := range packet {
		mustRefuse(t, b, 0, packet[:n], Malformed)
	}
	mustRefuse(t, b, 0, make([]byte, MaxPacket+1), Oversize)
	mustRefuse(t, testBox(t, 3, 1, insecurely), 0, packet, WrongReceiver)
	mustRefuse(t, testBox(t, 2, 1, insecurely, onRing(DevRing("other"))), 0, packet, WrongCluster)
	echo, err := a.Seal(nil, 0, member.NodeID{}, []byte("to myself"))
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, a, 0, echo, WrongReceiver)
	mustOpen(t, b, 0, echo, "to myself")
	nobody := slices.Clone(packet[:len(packet)-crc32.Size])
	clear(nobody[1+clusterIDSize:][:member.NodeIDSize])
	mustRefuse(t, b, 0, binary.BigEndian.AppendUint32(nobody, crc32.Checksum(nobody, castagnoli)), Malformed)
}

func TestPlainAndSealedPacketsDoNotMix(t *testing.T) {
	plain, sealed := testBox(t, 1, 1, insecurely), testBox(t, 2, 1)
	mustRefuse(t, sealed, 0, sealTo(t, plain, 0, sealed, "words"), BadMagic)
	packet := sealTo(t, sealed, 0, plain, "words")
	mustRefuse(t, plain, 0, packet, BadMagic)
	if _, ok := plain.ClaimWanted(nil, 0, packet); ok {
		t.Error("an insecure box asks for a claim")
	}
}
