package seal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/hearsay-gossip/hearsay/member"
)

// plainOverhead is what an insecure packet adds:
//
//	1 kind | 16 cluster id | 16 sender | 8 epoch | 16 receiver | payload | 4 CRC32C
//
// where the receiver is zero towards a bare address, and the checksum covers
// all before it.
const (
	plainHeaderSize = 1 + clusterIDSize + 2*member.NodeIDSize + 8
	plainOverhead   = plainHeaderSize + crc32.Size
)

// castagnoli is CRC32C (RFC 3720): computed by instruction where there is one.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// wrap appends a plaintext packet.
func (b *Box) wrap(dst []byte, to member.NodeID, payload []byte) []byte {
	cluster, id := b.ring.Load().Cluster(), b.identity.ID()
	at := len(dst)
	dst = append(dst, version<<4|kindPlain)
	dst = append(dst, cluster[:]...)
	dst = append(dst, id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(b.epoch))
	dst = append(dst, to[:]...)
	dst = append(dst, payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// unwrap is open without keys. The checksum catches damage, not malice.
func (b *Box) unwrap(dst, packet []byte) ([]byte, Peer, Reason) {
	if why := checkKind(packet); why != 0 {
		return nil, Peer{}, why
	}
	if packet[0]&0x0f != kindPlain {
		return nil, Peer{}, BadMagic
	}
	if len(packet) < plainOverhead {
		return nil, Peer{}, Malformed
	}
	body, sum := packet[:len(packet)-crc32.Size], packet[len(packet)-crc32.Size:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(sum) {
		return nil, Peer{}, Malformed
	}
	fields := body[1:]
	cluster, fields := ClusterID(fields), fields[clusterIDSize:]
	sender, fields := member.NodeID(fields), fields[member.NodeIDSize:]
	epoch, fields := binary.BigEndian.Uint64(fields), fields[8:]
	receiver, payload := member.NodeID(fields), fields[member.NodeIDSize:]
	self := b.identity.ID()
	switch {
	case cluster != b.ring.Load().Cluster():
		return nil, Peer{}, WrongCluster
	case !receiver.IsZero() && receiver != self, sender == self:
		return nil, Peer{}, WrongReceiver
	case sender.IsZero():
		return nil, Peer{}, Malformed
	}
	return append(dst, payload...)[len(dst):], Peer{ID: sender, Epoch: member.Epoch(epoch)}, 0
}
