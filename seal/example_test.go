package seal_test

import (
	"crypto/rand"
	"fmt"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/seal"
)

// Two nodes of a cluster: one seals, the other opens at first sight.
func ExampleBox() {
	ring, err := seal.NewRing(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	var boxes [2]*seal.Box
	var nodes [2]*seal.Identity
	for i := range boxes {
		nodes[i] = seal.IdentityFromSeed([32]byte{byte(i)})
		boxes[i], err = seal.NewBox(seal.Config{Identity: nodes[i], Ring: ring, Epoch: 1})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	packet, err := boxes[0].Seal(nil, 0, nodes[1].ID(), []byte("everyone will know"))
	if err != nil {
		fmt.Println(err)
		return
	}
	from := netip.MustParseAddrPort("192.0.2.1:7946")
	payload, peer, err := boxes[1].Open(nil, 0, from, packet)
	fmt.Printf("%s, %t, %v\n", payload, peer.ID == nodes[0].ID(), err)
	_, _, err = boxes[1].Open(nil, 0, from, packet)
	fmt.Println(err)
	// Output:
	// everyone will know, true, <nil>
	// replay
}
