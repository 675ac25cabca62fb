package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Message is one line between two ends. A name that starts with "c" is a
// client's.
type Message struct {
	ID   int64           `json:"id"` // given by the network
	Src  string          `json:"src"`
	Dest string          `json:"dest"`
	Body json.RawMessage `json:"body"`
}

// Body is what every body holds; the rest is up to its type.
type Body struct {
	Type      string `json:"type"`
	MsgID     int64  `json:"msg_id,omitempty"`
	InReplyTo int64  `json:"in_reply_to,omitempty"`
}

// errMessage is wrapped by the error of a line that is no message. Such a line
// ends the reading of its sender's output, as in the original.
var errMessage = errors.New("not a message")

// parseMessage reads a line that a node wrote: an object with src, dest and
// body, and no other key.
func parseMessage(line []byte) (Message, error) {
	var m struct {
		Src  *string         `json:"src"`
		Dest *string         `json:"dest"`
		Body json.RawMessage `json:"body"`
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Message{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if d.More() {
		return Message{}, fmt.Errorf("%w: more than one object on a line", errMessage)
	}
	if m.Src == nil || m.Dest == nil || m.Body == nil {
		return Message{}, fmt.Errorf("%w: src, dest or body is missing", errMessage)
	}
	var body Body
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return Message{}, fmt.Errorf("%w: body: %w", errMessage, err)
	}
	if body.Type == "" {
		return Message{}, fmt.Errorf("%w: body without type", errMessage)
	}
	return Message{Src: *m.Src, Dest: *m.Dest, Body: m.Body}, nil
}

// betweenServers reports whether neither end is a client: these are counted.
func (m *Message) betweenServers() bool { return !isClient(m.Src) && !isClient(m.Dest) }

func isClient(name string) bool { return strings.HasPrefix(name, "c") }
