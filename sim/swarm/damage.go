package swarm

import (
	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// damage is what is expected of the step that meets a payload which cannot be
// decoded: it counts a drop (X4), and if nothing came before the damage it knows
// what it knew before.
type damage struct {
	pending bool
	whole   bool // nothing of the payload can be used
	drops   uint64
	root    uint64
}

func (r *run) meetDamage(slot int, payload []byte) {
	at, found := malformed(payload)
	if !found {
		return
	}
	m := r.c.Machine(slot)
	r.damage = damage{pending: true, whole: at == 0, drops: drops(m), root: m.Root()}
	r.marks[markDamaged]++
}

func (r *run) checkDamage(slot int, out *core.Output) {
	d := r.damage
	r.damage = damage{}
	m := r.c.Machine(slot)
	r.checker.Noted(check.X4)
	if drops(m) == d.drops {
		r.checker.Fail(check.X4, slot, "a payload that cannot be decoded is not counted as dropped")
	}
	if d.whole && m.Root() != d.root {
		r.checker.Fail(check.X4, slot, "a payload that cannot be decoded changed what is known")
	}
}

func drops(m *core.Machine) (sum uint64) {
	m.Drops(func(_ string, count uint64) { sum += count })
	return sum
}
