package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

type eventCmd struct {
	Send  eventSendCmd  `cmd:"" help:"Tell all members something."`
	Watch eventWatchCmd `cmd:"" help:"Print what members tell, as it comes."`
}

// filter says which members something is for.
type filter struct {
	Node []string `placeholder:"NAME" help:"Only for members of these names; * stands for any text."`
	Tag  []string `placeholder:"KEY=VALUE" help:"Only for members with this metadata; * stands for any text."`
	Zone string   `placeholder:"ZONE" help:"Only for members whose metadata has this zone."`
}

func (f *filter) shape() (api.Filter, error) {
	out := api.Filter{Names: f.Node, Zone: f.Zone}
	for _, tag := range f.Tag {
		key, value, found := strings.Cut(tag, "=")
		if !found || key == "" {
			return out, fmt.Errorf("tag %q: want KEY=VALUE%w", tag, silent{errUsage})
		}
		if out.Tags == nil {
			out.Tags = make(map[string]string)
		}
		if _, twice := out.Tags[key]; twice {
			return out, fmt.Errorf("tag %q: given twice%w", key, silent{errUsage})
		}
		out.Tags[key] = value
	}
	return out, nil
}

// payload is what is told or asked.
type payload struct {
	Payload string `arg:"" optional:"" help:"The payload (default: none)."`
	File    string `placeholder:"FILE" help:"Read the payload from a file; - is standard input."`
}

func (p *payload) read(t *terminal) ([]byte, error) {
	switch {
	case p.File == "":
		return []byte(p.Payload), nil
	case p.Payload != "":
		return nil, fmt.Errorf("want a payload or --file, not both%w", silent{errUsage})
	case p.File == "-":
		return readSome(t.stdin)
	}
	f, err := os.Open(p.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSome(f)
}

// payloadMax is more than an agent takes, so that it is the agent that says no.
const payloadMax = 64<<20 + 1

func readSome(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, payloadMax))
	if err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	return b, nil
}

type eventSendCmd struct {
	connection
	Name string `arg:"" help:"What it is about: the topic."`
	payload
	filter
	Ordered bool          `help:"Deliver it after all that this agent sent before."`
	Wait    time.Duration `placeholder:"TIME" help:"Wait up to so long for all members to have it; 1 is returned if some have not."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

func (c *eventSendCmd) Run(t *terminal) error {
	if err := errors.Join(topic(c.Name), atLeast("wait", c.Wait, 0)); err != nil {
		return err
	}
	body, err := c.payload.read(t)
	if err != nil {
		return err
	}
	to, err := c.filter.shape()
	if err != nil {
		return err
	}
	report, err := ask(t, &c.connection, func(ctx context.Context, cl *client.Client) (api.SendReport, error) {
		return cl.Send(ctx, client.Message{Topic: c.Name, Payload: body, Ordered: c.Ordered, Filter: to, Wait: c.Wait})
	})
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = printJSON(t.stdout, report)
	case c.Wait > 0:
		_, err = fmt.Fprintf(t.stdout, "sent %s: %s\n", report.ID, c.describe(&report))
	default:
		_, err = fmt.Fprintf(t.stdout, "sent %s to %d members\n", report.ID, report.Live)
	}
	if err == nil && c.Wait > 0 && report.Reached < report.Live {
		err = fmt.Errorf("%d of %d members have not confirmed in time; those that live get it later", report.Live-report.Reached, report.Live)
	}
	return err
}

// describe says how far an event came.
func (c *eventSendCmd) describe(r *api.SendReport) string {
	have := "have it"
	if len(c.Node)+len(c.Tag) > 0 || c.Zone != "" {
		have = "have it, for themselves or to pass on,"
	}
	if r.Done && r.Reached < r.Live {
		return fmt.Sprintf("%d of %d members %s and the others were given up, after %s", r.Reached, r.Live, have, seconds(r.ElapsedSeconds))
	}
	return fmt.Sprintf("%d of %d members %s after %s", r.Reached, r.Live, have, seconds(r.ElapsedSeconds))
}

// topic refuses a name that no event can have.
func topic(name string) error {
	const most = 128
	if name == "" || len(name) > most {
		return fmt.Errorf("name of %d bytes: want 1 to %d%w", len(name), most, silent{errUsage})
	}
	return nil
}

// atLeast refuses a value that is below a bound.
func atLeast[T cmp.Ordered](flag string, v, least T) error {
	if v < least {
		return fmt.Errorf("--%s %v: want %v or more%w", flag, v, least, silent{errUsage})
	}
	return nil
}

// seconds prints a short time.
func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Microsecond).String()
}

type eventWatchCmd struct {
	connection
	Names []string `arg:"" optional:"" name:"name" help:"Only these topics."`
	Count int      `placeholder:"N" help:"End after so many."`
	JSON  bool     `name:"json" help:"Print one JSON object a line."`
}

func (c *eventWatchCmd) Run(t *terminal) error {
	wrong := []error{atLeast("count", c.Count, 0)}
	for _, name := range c.Names {
		wrong = append(wrong, topic(name))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	count := 0
	for e, err := range cl.Messages(t.ctx, c.Names...) {
		switch {
		case t.ctx.Err() != nil:
			return nil // the user has seen enough
		case err != nil:
			return ended(err)
		case e.Kind == api.KindResync:
			continue
		}
		if err := c.print(t, &e); err != nil {
			return err
		}
		if count++; count == c.Count {
			return nil
		}
	}
	return nil
}

// ended explains the end of a stream.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the agent ended the stream: it has stopped, or nothing was read here for ten seconds")
	}
	return err
}

func (c *eventWatchCmd) print(t *terminal, e *api.Event) error {
	if c.JSON {
		return printLine(t.stdout, e)
	}
	at := e.Time.Local().Format("15:04:05.000")
	var err error
	switch m := e.Message; {
	case e.Kind == api.KindLagged || m == nil:
		_, err = fmt.Fprintf(t.stdout, "%s  -- %d events lost: this reader is too slow\n", at, e.Count)
	case e.Kind == api.KindMissed:
		_, err = fmt.Fprintf(t.stdout, "%s  -- %d events of %s missed: nobody has them any more\n", at, e.Count, escape(m.OriginName))
	default:
		_, err = fmt.Fprintf(t.stdout, "%s  %s  from %s  %s\n", at, escape(m.Topic), escape(m.OriginName), shown(m.Payload))
	}
	return err
}

// shown makes a payload fit for a line.
func shown(b *api.Bytes) string {
	const most = 1024
	switch {
	case b == nil || len(*b) == 0:
		return ""
	case len(*b) > most:
		return escape(string((*b)[:most])) + "… (" + strconv.Itoa(len(*b)) + " bytes)"
	}
	return escape(string(*b))
}

type queryCmd struct {
	connection
	Name string `arg:"" help:"What is asked: the topic."`
	payload
	filter
	For  time.Duration `default:"5s" placeholder:"TIME" help:"How long to wait for answers (default 5s)."`
	Acks bool          `help:"Ask all whom it is for to say so, and count them."`
	JSON bool          `name:"json" help:"Print one JSON object a line."`
}

func (c *queryCmd) Run(t *terminal) error {
	if err := errors.Join(topic(c.Name), atLeast("for", c.For, time.Millisecond)); err != nil {
		return err
	}
	body, err := c.payload.read(t)
	if err != nil {
		return err
	}
	to, err := c.filter.shape()
	if err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	answers := 0
	for news, err := range cl.Query(t.ctx, api.QueryRequest{
		Topic: c.Name, Payload: body, Filter: to, TimeoutSeconds: c.For.Seconds(), WantAck: c.Acks,
	}) {
		if err != nil && t.ctx.Err() != nil {
			return fmt.Errorf("interrupted after %d answers", answers)
		}
		if err == nil {
			err = c.print(t, &news)
		}
		if err != nil {
			return err
		}
		if news.Answer != nil {
			answers++
		}
	}
	return nil
}

func (c *queryCmd) print(t *terminal, news *api.QueryNews) error {
	if c.JSON {
		return printLine(t.stdout, news)
	}
	var err error
	switch a, s := news.Answer, news.Stats; {
	case a != nil && a.Lagged > 0:
		_, err = fmt.Fprintf(t.stdout, "-- %d answers lost: this reader is too slow\n", a.Lagged)
	case a != nil:
		_, err = fmt.Fprintf(t.stdout, "%s  after %s  %s\n", escape(a.Name), seconds(a.ElapsedSeconds), shown(&a.Payload))
	case s != nil:
		acks := ""
		if c.Acks {
			acks = fmt.Sprintf("%d members say that it is for them, ", s.Acks)
		}
		_, err = fmt.Fprintf(t.stderr, "%s%d answers, %d of %d members reached, %s\n", acks, s.Answers, s.Reached, s.Live, seconds(s.ElapsedSeconds))
	}
	return err
}

type answerCmd struct {
	connection
	Name  string `arg:"" help:"Which queries to answer: the topic."`
	Text  string `arg:"" optional:"" help:"The answer to all of them."`
	Exec  string `placeholder:"COMMAND" help:"Run a command of the shell for each, with the payload as its input; the answer is its output."`
	Count int    `placeholder:"N" help:"End after so many."`
}

func (c *answerCmd) Run(t *terminal) error {
	if (c.Text != "") == (c.Exec != "") {
		return fmt.Errorf("want a text or --exec, one of them%w", silent{errUsage})
	}
	if err := errors.Join(topic(c.Name), atLeast("count", c.Count, 0)); err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	count := 0
	for q, err := range cl.Questions(t.ctx, c.Name) {
		switch {
		case t.ctx.Err() != nil:
			return nil // the user has seen enough
		case err != nil:
			return ended(err)
		case q.Lagged > 0:
			fmt.Fprintf(t.stderr, "hearsay: warning: %d queries were lost: answers take too long\n", q.Lagged)
			continue
		}
		if err := c.answer(t, cl, &q); err != nil {
			fmt.Fprintf(t.stderr, "hearsay: warning: query of %s: %s\n", escape(q.AskerName), escape(err.Error()))
		}
		if count++; count == c.Count {
			return nil
		}
	}
	return nil
}

// answer answers one question within its time.
func (c *answerCmd) answer(t *terminal, cl *client.Client, q *api.Question) error {
	ctx, cancel := context.WithTimeout(t.ctx, time.Duration(q.SecondsLeft*float64(time.Second)))
	defer cancel()
	text := []byte(c.Text)
	if c.Exec != "" {
		var err error
		if text, err = execute(ctx, t, c.Exec, q); err != nil {
			return err
		}
	}
	err := cl.Answer(ctx, q.ID, text)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("too late: the asker waits no more")
	}
	return err
}
