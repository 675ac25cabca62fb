package wire

import "github.com/hearsay-gossip/hearsay/member"

// HashClaim returns what one member's claim adds to the [Root], by exclusive
// or. Suspect counts as alive: a suspicion is about to be refuted or confirmed,
// and must not set off a reconciliation.
func HashClaim(id member.NodeID, c member.Claim) uint64 {
	state := c.State
	if state == member.Suspect {
		state = member.Alive
	}
	h := hashID(id)
	h = mix(h ^ uint64(c.Epoch))
	h = mix(h ^ uint64(c.Incarnation))
	return mix(h ^ uint64(state))
}

// HashFacts returns what the facts of one owner add to the [Root]: nothing
// before its first write.
func HashFacts(owner member.NodeID, g Generation, v Version) uint64 {
	if v == 0 {
		return 0
	}
	h := mix(hashID(owner) ^ 0x66616374) // "fact": apart from claims
	h = mix(h ^ uint64(g))
	return mix(h ^ uint64(v))
}

// Bucket returns the bucket of a member among a power of two of them: the
// low bits of its first two bytes, an ID being itself a hash.
func Bucket(id member.NodeID, buckets int) int {
	return (int(id[0])<<8 | int(id[1])) & (buckets - 1)
}

func hashID(id member.NodeID) uint64 {
	var hi, lo uint64
	for i := range 8 {
		hi = hi<<8 | uint64(id[i])
		lo = lo<<8 | uint64(id[8+i])
	}
	return mix(mix(hi) ^ lo)
}

// mix is a bijection on 64 bits in which every input bit reaches every output
// bit: two rounds of multiply and shift (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
