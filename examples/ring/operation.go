package main

import (
	"slices"
	"sync"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
)

// operation is one Put or Get under way, at the node that took it.
type operation struct {
	cache *Cache
	key   string
	store *Entry // nil: a Get
	done  func(newest Entry, err error)

	mu       sync.Mutex
	asked    []member.NodeID
	failed   []member.NodeID
	homeless []member.NodeID // homes that missed the write, with nobody to stand in
	answers  []answer
	pending  int
	finished bool
	newest   Entry
}

type answer struct {
	from  member.NodeID
	entry Entry
}

// start asks all places at once: the homes, and who stands in for the suspects.
func (o *operation) start() {
	o.mu.Lock()
	o.askMore()
	finish := o.decide()
	o.mu.Unlock()
	finish()
}

// askMore asks the places that have not been asked.
func (o *operation) askMore() (asked int) {
	for _, r := range o.cache.ring().Replicas([]byte(o.key), o.failed...).Reachable() {
		if !slices.Contains(o.asked, r.ID) {
			o.asked = append(o.asked, r.ID)
			o.ask(r)
			asked++
		}
	}
	return asked
}

func (o *operation) ask(r ring.Replica) {
	req := Request{Key: o.key, Store: o.store, For: r.For}
	if r.ID == o.cache.self {
		o.note(answer{r.ID, o.cache.Serve(req)})
		return
	}
	o.pending++
	o.cache.peers.Ask(r.ID, req, func(e Entry, err error) { o.onAnswer(r, e, err) })
}

// onAnswer counts an answer, or turns to the stand-in of who gave none.
func (o *operation) onAnswer(r ring.Replica, e Entry, err error) {
	o.mu.Lock()
	o.pending--
	if err == nil {
		o.note(answer{r.ID, e})
	} else {
		o.failed = append(o.failed, r.ID)
		if o.askMore() == 0 {
			home := r.For
			if home.IsZero() {
				home = r.ID
			}
			o.homeless = append(o.homeless, home)
		}
	}
	finish := o.decide()
	o.mu.Unlock()
	finish()
}

func (o *operation) note(a answer) {
	o.answers = append(o.answers, a)
	if a.entry.Version.Compare(o.newest.Version) > 0 {
		o.newest = a.entry
	}
}

// decide returns the call of done when its time has come, to be made without the
// lock. A read that has found nothing waits for all: a stand-in knows nothing of
// what was written before it stood in.
func (o *operation) decide() (finish func()) {
	enough := len(o.answers) >= quorum && (o.store != nil || o.newest.Version != Version{})
	if o.pending == 0 {
		o.repair()
	}
	if o.finished || !enough && o.pending > 0 {
		return func() {}
	}
	o.finished = true
	var err error
	if len(o.answers) < quorum {
		err = ErrReplicas
	}
	newest := o.newest // late answers change nothing
	return func() { o.done(newest, err) }
}

// repair brings those up to date who answered with an older entry, and leaves a
// note with the first who answered for homes that nobody stands in for.
func (o *operation) repair() {
	ignore := func(Entry, error) {}
	if o.newest.Version == (Version{}) {
		return
	}
	newest := o.newest
	for _, a := range o.answers {
		if a.entry.Version.Compare(newest.Version) >= 0 {
			continue
		}
		req := Request{Key: o.key, Store: &newest}
		if a.from == o.cache.self {
			o.cache.Serve(req)
		} else {
			o.cache.peers.Ask(a.from, req, ignore)
		}
	}
	if o.store == nil {
		return
	}
	for _, home := range o.homeless {
		req := Request{Key: o.key, Store: o.store, For: home}
		if from := o.answers[0].from; from == o.cache.self {
			o.cache.Serve(req)
		} else {
			o.cache.peers.Ask(from, req, ignore)
		}
	}
	o.homeless = nil
}
