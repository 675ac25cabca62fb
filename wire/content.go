package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Content is what an event says. It is made by the origin and passed on as it
// is: large ones are cut into chunks that mean nothing by themselves.
type Content struct {
	Ordered bool // to be delivered after all earlier events of its origin
	Query   bool
	WantAck bool // of a query: whoever it is for says so at once
	Topic   []byte
	Timeout time.Duration // of a query: how long answers are awaited
	Payload []byte

	filter []byte // encoded; a query always has one, a message if not for all
}

const (
	contentOrdered = 1 << iota
	contentQuery
	contentWantAck
	contentFiltered // a message with a filter
)

// Append appends the content's encoding.
func (c *Content) Append(b []byte) []byte {
	b = append(b, flag(c.Ordered)*contentOrdered|flag(c.Query)*contentQuery|flag(c.WantAck)*contentWantAck|
		flag(c.Filtered())*contentFiltered)
	b = append(append(b, byte(len(c.Topic))), c.Topic...)
	if c.Query {
		b = binary.AppendUvarint(b, uint64(min(max(c.Timeout/time.Millisecond, 0), QueryTimeoutMax)))
	}
	b = append(b, c.filter...)
	return append(b, c.Payload...)
}

// Decode reads a whole content, which c then aliases; the error is a
// [*DecodeError].
func (c *Content) Decode(body []byte) error {
	r := reader{b: body}
	r.content(c)
	return r.done()
}

func (r *reader) content(c *Content) {
	flags := r.u8("content flags")
	const most = contentOrdered | contentQuery | contentWantAck | contentFiltered
	if flags > most || flags&(contentQuery|contentWantAck) == contentWantAck ||
		flags&(contentQuery|contentFiltered) == contentQuery|contentFiltered {
		r.fail("content flags")
	}
	*c = Content{Ordered: flags&contentOrdered != 0, Query: flags&contentQuery != 0, WantAck: flags&contentWantAck != 0}
	c.Topic = r.text("content topic", 1, TopicMax)
	if c.Query {
		c.Timeout = time.Duration(r.length(QueryTimeoutMax, "content timeout")) * time.Millisecond
	}
	if c.Query || flags&contentFiltered != 0 {
		start := r.off
		r.filter(nil)
		if r.err == nil {
			c.filter = r.b[start:r.off:r.off]
		}
		if !c.Query && string(c.filter) == emptyFilter { // has a shorter form
			r.fail("content filter")
		}
	}
	if r.err == nil {
		c.Payload = r.b[r.off:len(r.b):len(r.b)]
		r.off = len(r.b)
	}
}

// Filtered reports whether the content is a message with a filter.
func (c *Content) Filtered() bool { return !c.Query && len(c.filter) > 0 }

// emptyFilter is the encoding of a filter that matches everybody.
const emptyFilter = "\x00\x00\x00"

// text reads bytes behind a length of one byte.
func (r *reader) text(what string, least, most int) []byte {
	n := int(r.u8(what))
	if r.err == nil && (n < least || n > most) {
		r.off--
		r.fail(what)
	}
	return r.take(n, what)
}

func (c *Content) describe() string {
	s := fmt.Sprintf("%q %q", c.Topic, c.Payload)
	if c.Ordered {
		s += " ordered"
	}
	if c.Query {
		s += fmt.Sprintf(" query timeout=%s", c.Timeout)
	}
	if f := c.Filter(); !f.Empty() {
		s += " for " + f.String()
	}
	if c.WantAck {
		s += " want-ack"
	}
	return s
}

// Filter says which members an event is for; an empty part matches all. One of
// Names, every one of Tags and Zone have to match. Names and values of tags may
// hold the wildcard *.
type Filter struct {
	Names []string
	Tags  []Tag
	Zone  string
}

// Tag is one condition of a [Filter]: the member's own fact Key matches Value.
type Tag struct{ Key, Value string }

// Empty reports whether the filter matches everybody.
func (f *Filter) Empty() bool { return len(f.Names) == 0 && len(f.Tags) == 0 && f.Zone == "" }

// Valid reports whether the filter keeps the limits.
func (f *Filter) Valid() bool {
	fits := func(s string) bool { return len(s) <= FilterTextMax }
	return len(f.Names) <= FilterMax && len(f.Tags) <= FilterMax && fits(f.Zone) &&
		!slices.ContainsFunc(f.Names, func(s string) bool { return !fits(s) }) &&
		!slices.ContainsFunc(f.Tags, func(t Tag) bool { return !fits(t.Key) || !fits(t.Value) })
}

// String returns the conditions on one line.
func (f *Filter) String() string {
	return fmt.Sprintf("names=%q tags=%q zone=%q", f.Names, f.Tags, f.Zone)
}

// SetFilter gives an event its filter, which must be valid.
func (c *Content) SetFilter(f *Filter) {
	if !c.Query && f.Empty() {
		c.filter = nil
		return
	}
	b := []byte{byte(len(f.Names))}
	add := func(s string) { b = append(append(b, byte(len(s))), s...) }
	for _, name := range f.Names {
		add(name)
	}
	b = append(b, byte(len(f.Tags)))
	for _, t := range f.Tags {
		add(t.Key)
		add(t.Value)
	}
	add(f.Zone)
	c.filter = b
}

// Filter returns the event's filter, decoded anew by each call.
func (c *Content) Filter() (f Filter) {
	if len(c.filter) > 0 {
		r := reader{b: c.filter}
		r.filter(&f)
	}
	return f
}

// filter reads a filter into f, and only checks it if f is nil.
func (r *reader) filter(f *Filter) {
	const what = "content filter"
	count := func() int {
		n := int(r.u8(what))
		if r.err == nil && n > FilterMax {
			r.off--
			r.fail(what)
			return 0
		}
		return n
	}
	for range count() {
		name := r.text(what, 0, FilterTextMax)
		if f != nil {
			f.Names = append(f.Names, string(name))
		}
	}
	for range count() {
		key, value := r.text(what, 0, FilterTextMax), r.text(what, 0, FilterTextMax)
		if f != nil {
			f.Tags = append(f.Tags, Tag{string(key), string(value)})
		}
	}
	if zone := r.text(what, 0, FilterTextMax); f != nil {
		f.Zone = string(zone)
	}
}
