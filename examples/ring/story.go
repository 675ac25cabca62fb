package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
	"github.com/hearsay-gossip/hearsay/seal"
)

// The cast: two nodes in each of three zones.
var cast = [][2]string{{"ann", "north"}, {"bob", "north"}, {"cat", "south"}, {"dan", "south"}, {"eve", "west"}, {"fay", "west"}}

const storyKeys = 20

// stage is the nodes of the story, by name.
type stage struct {
	ctx   context.Context
	out   io.Writer
	apps  map[string]*app
	names map[member.NodeID]string
}

// story runs six nodes, kills one and starts it again, and fails if a value that
// was acknowledged cannot be read.
func story(ctx context.Context, out io.Writer) (err error) {
	s := &stage{ctx, out, make(map[string]*app), make(map[member.NodeID]string)}
	defer func() {
		for _, a := range s.apps {
			err = errors.Join(err, a.close())
		}
	}()
	identities := make(map[string]*seal.Identity)
	for _, c := range cast {
		identity, err := seal.NewIdentity(rand.Reader)
		if err != nil {
			return err
		}
		identities[c[0]] = identity
		if err := s.enter(c, identity, 1); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "six nodes in three zones; every key has a home in each zone")
	return s.play(identities)
}

func (s *stage) play(identities map[string]*seal.Identity) error {
	if err := s.until("one ring of six", func() bool { return s.rings(6, member.Alive) }); err != nil {
		return err
	}
	if err := s.write("ann", "first"); err != nil {
		return err
	}
	victim := s.names[s.apps["ann"].keeper.Ring().Replicas([]byte("key-0"))[0].ID]
	if victim == "ann" { // she tells the story
		victim = s.names[s.apps["ann"].keeper.Ring().Replicas([]byte("key-0"))[1].ID]
	}
	s.say("ann puts %d keys; key-0 is at %s", storyKeys, s.where("key-0"))

	s.say("%s dies without a word, and with it what it kept", victim)
	id := s.apps[victim].node.Self().ID
	err := s.apps[victim].close()
	delete(s.apps, victim)
	if err != nil {
		return err
	}
	if err := s.until("suspicion", func() bool { return s.suspects("ann", id) || s.rings(5, 0) }); err != nil {
		return err
	}
	s.say("ann doubts %s: key-0 is at %s", victim, s.where("key-0"))
	if err := s.write("ann", "second"); err != nil {
		return err
	}
	s.say("ann overwrites all keys meanwhile; two replicas of each confirm")
	if err := s.until("a ring of five", func() bool { return s.rings(5, member.Alive) && s.settled() }); err != nil {
		return err
	}
	s.say("all hold %s to be dead: key-0 is at %s", victim, s.where("key-0"))
	if err := s.read("second"); err != nil {
		return err
	}

	zone := cast[slices.IndexFunc(cast, func(c [2]string) bool { return c[0] == victim })]
	if err := s.enter(zone, identities[victim], 2); err != nil {
		return err
	}
	s.say("%s starts again, with nothing", victim)
	if err := s.until("handoff", func() bool { return s.rings(6, member.Alive) && s.settled() }); err != nil {
		return err
	}
	s.say("its %d keys were handed back: key-0 is at %s", len(s.apps[victim].cache.Held()), s.where("key-0"))
	return s.read("second")
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// enter starts a node.
func (s *stage) enter(who [2]string, identity *seal.Identity, epoch uint64) error {
	var seeds []string
	for _, a := range s.apps {
		seeds = append(seeds, a.node.Self().Addr.String())
	}
	a, err := start(s.ctx, setup{
		name: who[0], zone: who[1], listen: "127.0.0.1:0", seeds: seeds, identity: identity, epoch: epoch, keys: keys,
	})
	if err != nil {
		return err
	}
	s.apps[who[0]] = a
	s.names[identity.ID()] = who[0]
	return nil
}

// until waits for a condition.
func (s *stage) until(what string, condition func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, s.ctx.Err())
		}
	}
	return nil
}

// rings reports whether all nodes have a ring of so many members, all in a state
// if it is not 0.
func (s *stage) rings(size int, state member.State) bool {
	for _, a := range s.apps {
		r := a.keeper.Ring()
		if r.Len() != size || state != 0 && slices.ContainsFunc(r.Members(), func(m ring.Member) bool { return m.State != state }) {
			return false
		}
	}
	return true
}

func (s *stage) suspects(name string, id member.NodeID) bool {
	m, on := s.apps[name].keeper.Ring().Member(id)
	return on && m.State == member.Suspect
}

// settled reports whether no node owes anything, and each key is held by its
// three homes and nobody else.
func (s *stage) settled() bool {
	holders := 0
	for _, a := range s.apps {
		if a.cache.Owes() > 0 {
			return false
		}
		holders += len(a.cache.Held())
	}
	return holders == 3*storyKeys
}

// where returns the preference list of a key as ann sees it.
func (s *stage) where(key string) string {
	var places []string
	for _, r := range s.apps["ann"].keeper.Ring().Replicas([]byte(key)) {
		place := s.names[r.ID] + " (" + r.Zone
		if r.Doubted {
			place += ", suspect"
		}
		if !r.For.IsZero() {
			place += ", for " + s.names[r.For]
		}
		places = append(places, place+")")
	}
	return strings.Join(places, ", ")
}

// write puts all keys at one node.
func (s *stage) write(at, value string) error {
	for k := range storyKeys {
		if err := s.apps[at].put(s.ctx, fmt.Sprint("key-", k), []byte(value)); err != nil {
			return fmt.Errorf("put key-%d: %w", k, err)
		}
	}
	return nil
}

// read gets all keys at all nodes.
func (s *stage) read(want string) error {
	for name, a := range s.apps {
		for k := range storyKeys {
			e, err := a.get(s.ctx, fmt.Sprint("key-", k))
			if err != nil {
				return fmt.Errorf("%s gets key-%d: %w", name, k, err)
			}
			if string(e.Value) != want {
				return fmt.Errorf("%s gets key-%d: %q, want %q", name, k, e.Value, want)
			}
		}
	}
	s.say("all %d nodes read all %d keys: nothing is lost", len(s.apps), storyKeys)
	return nil
}
