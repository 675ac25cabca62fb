package epidemic

import "context"

// StoryMaxNodes is the largest cluster whose run is told node by node: one
// letter for each.
const StoryMaxNodes = 26

// Chapter is one round of a run told node by node.
type Chapter struct {
	Round int
	// Knows has, per node, a bit for each update it knows after the round.
	Knows []uint64
	// Down says, per node, whether it was down in the round.
	Down []bool
	// Sent lists the datagrams with payloads, in the order they were sent.
	Sent []Contact
}

// Tell plays the first trial of cfg and returns what happened in each round,
// beginning with round 0, in which only the origins know. It is the same run
// that [Run] counts as its first trial, but with Rounds set it goes on to the
// last of them: nodes do not know that all know.
func Tell(ctx context.Context, cfg Config) ([]Chapter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := newTrial(cfg)
	var sent []Contact
	t.onSend = func(c Contact) { sent = append(sent, c) }
	t.reset(0)
	var story []Chapter
	note := func() {
		story = append(story, t.chapter(sent))
		sent = nil
	}
	note()
	if !t.run(ctx, note) {
		return story, ctx.Err()
	}
	for t.round < cfg.Rounds {
		t.step()
		note()
	}
	return story, nil
}

func (t *trial) chapter(sent []Contact) Chapter {
	c := Chapter{Round: t.round, Knows: make([]uint64, t.cfg.Nodes), Down: make([]bool, t.cfg.Nodes), Sent: sent}
	for i := range c.Knows {
		c.Knows[i] = t.holds(i)
		c.Down[i] = t.down.has(i)
	}
	return c
}
