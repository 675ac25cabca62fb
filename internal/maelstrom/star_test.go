package maelstrom

import (
	"encoding/json"
	"fmt"
	"time"
)

// star is the simplest node: it sends each element to each other node, once, and
// hopes. Its faults can be switched on.
type star struct {
	name     string
	names    []string
	elements []int
	out      [][]byte
	msgID    int64
	fault    fault
	ids      int
}

type fault int

const (
	none fault = iota
	// forgets: acknowledges elements that end in 7 and keeps them from others.
	forgets
	// repeats: shows the element 5 twice.
	repeats
	// invents: shows 1000000.
	invents
	// chats: answers a read with a key of its own.
	chats
	// babbles: writes a line that is no message, once it is asked to read.
	babbles
	// mute: answers no broadcast.
	mute
	// refuses: answers broadcasts with an error.
	refuses
	// copies: gives the same ID twice.
	copies
)

// Line implements Node.
func (s *star) Line(_ time.Duration, line []byte) {
	var m struct {
		Src  string
		Body struct {
			Body
			NodeID  string   `json:"node_id"`
			NodeIDs []string `json:"node_ids"`
			Message *int     `json:"message"`
			Element *int     `json:"element"`
			Echo    string   `json:"echo"`
		}
	}
	if err := json.Unmarshal(line, &m); err != nil {
		panic(err)
	}
	reply := func(kind string, extra map[string]any) {
		s.msgID++
		body := map[string]any{"type": kind, "in_reply_to": m.Body.MsgID, "msg_id": s.msgID}
		for k, v := range extra {
			body[k] = v
		}
		s.send(m.Src, body)
	}
	switch m.Body.Type {
	case "init":
		s.name, s.names = m.Body.NodeID, m.Body.NodeIDs
		reply("init_ok", nil)
	case "topology":
		reply("topology_ok", nil)
	case "echo":
		reply("echo_ok", map[string]any{"echo": m.Body.Echo})
	case "generate":
		if s.ids++; s.fault == copies {
			s.ids = 1
		}
		reply("generate_ok", map[string]any{"id": fmt.Sprint(s.name, s.ids)})
	case "broadcast", "add":
		s.add(m.Body.Type, m.Body.Message, m.Body.Element, reply)
	case "read":
		s.read(m.Body.Type, reply)
	case "copy":
		s.elements = append(s.elements, *m.Body.Element)
	}
}

func (s *star) add(kind string, message, element *int, reply func(string, map[string]any)) {
	if message == nil {
		message = element
	}
	switch s.fault {
	case mute:
		return
	case refuses:
		reply("error", map[string]any{"code": 11, "text": "not now"})
		return
	case none, forgets, repeats, invents, chats, babbles, copies:
	}
	s.elements = append(s.elements, *message)
	reply(kind+"_ok", nil)
	if s.fault == forgets && *message%10 == 7 {
		return
	}
	for _, name := range s.names {
		if name != s.name {
			s.send(name, map[string]any{"type": "copy", "element": *message})
		}
	}
}

func (s *star) read(_ string, reply func(string, map[string]any)) {
	values := append([]int{}, s.elements...)
	extra := map[string]any{}
	switch s.fault {
	case repeats:
		for _, v := range s.elements {
			if v == 5 {
				values = append(values, 5)
			}
		}
	case invents:
		values = append(values, 1000000)
	case chats:
		extra["mood"] = "good"
	case babbles:
		s.out = append(s.out, []byte("read what?"))
	case none, forgets, mute, refuses, copies:
	}
	extra["messages"] = values
	reply("read_ok", extra)
}

func (s *star) send(to string, body map[string]any) {
	line, err := json.Marshal(map[string]any{"src": s.name, "dest": to, "body": body})
	if err != nil {
		panic(err)
	}
	s.out = append(s.out, line)
}

// Tick implements Node.
func (s *star) Tick(time.Duration) {}

// Deadline implements Node.
func (s *star) Deadline() (time.Duration, bool) { return 0, false }

// Output implements Node.
func (s *star) Output() [][]byte {
	out := s.out
	s.out = nil
	return out
}

// Has implements Witness.
func (s *star) Has() []int { return s.elements }
