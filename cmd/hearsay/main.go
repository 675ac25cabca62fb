// Command hearsay runs, asks and steers nodes of a gossip cluster. It holds
// flags, wiring and exit codes; what it does is in packages agent and client.
//
// Exit codes: 0 done, 1 failed, 2 used wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/agent"
	"github.com/hearsay-gossip/hearsay/client"
)

// commands is where every command is mounted: one field, one type, one file.
type commands struct {
	Init       initCmd       `cmd:"" help:"Mint a cluster: its id and its ring key."`
	Agent      agentCmd      `cmd:"" help:"Run one node with its HTTP interface."`
	Demo       demoCmd       `cmd:"" help:"Watch a cluster of real nodes on this machine, and break it."`
	Members    membersCmd    `cmd:"" help:"List the members of the cluster."`
	Join       joinCmd       `cmd:"" help:"Make the agent join nodes at addresses."`
	Leave      leaveCmd      `cmd:"" help:"Make the agent say goodbye and end."`
	ForceLeave forceLeaveCmd `cmd:"" help:"Turn a dead member into one that has left."`
	Info       infoCmd       `cmd:"" help:"Show what the agent says about itself."`
	Meta       metaCmd       `cmd:"" help:"Read and write the metadata of members."`
	Event      eventCmd      `cmd:"" help:"Tell all members something, and hear what they tell."`
	Query      queryCmd      `cmd:"" help:"Ask members something, and print what they answer."`
	Answer     answerCmd     `cmd:"" help:"Answer the queries that this agent's node is asked."`
	Sim        simCmd        `cmd:"" help:"Simulate gossip."`
	Bench      benchCmd      `cmd:"" help:"Measure what gossip costs here."`
	Version    versionCmd    `cmd:"" help:"Show the version of this program."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
}

const description = "Gossip for Go: membership, failure detection, metadata and events of a cluster without servers."

// terminal is what a command may touch of the process.
type terminal struct {
	ctx    context.Context
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// Exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// errUsage marks errors of whoever typed the command.
var errUsage = errors.New("usage")

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // the second signal ends what ignores the first
	code := run(&terminal{
		ctx: ctx, args: os.Args[1:],
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	})
	os.Exit(code)
}

// newParser returns the parser of the command line, which fills in cli.
func newParser(cli *commands, t *terminal, exit func(int)) (*kong.Kong, error) {
	return kong.New(cli,
		kong.Name("hearsay"), kong.Description(description),
		kong.Writers(t.stdout, t.stderr), kong.Exit(exit),
		kong.Bind(t), kong.BindTo(t.ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.WithHyphenPrefixedParameters(true), kong.Vars(connectionVars),
	)
}

// run does what the arguments say and returns the exit code.
func run(t *terminal) int {
	if err := unsetEmpty(); err != nil {
		return report(t, err)
	}
	exited, code := false, exitDone
	exit := func(c int) { exited, code = true, max(code, c) }
	parser, err := newParser(new(commands), t, exit)
	if err != nil {
		return report(t, err)
	}
	if len(t.args) == 0 {
		t.args = []string{"--help"}
		code = exitUsage
	}
	parsed, err := parser.Parse(t.args)
	switch {
	case exited: // help has been printed
		return code
	case err != nil:
		var wrong *kong.ParseError
		hint := ""
		if errors.As(err, &wrong) {
			hint = "; see hearsay " + strings.Join(append(commandOf(wrong.Context), "--help"), " ")
		}
		return report(t, fmt.Errorf("%w%s%w", err, hint, silent{errUsage}))
	}
	return report(t, parsed.Run(t))
}

// unsetEmpty makes an empty variable mean the same as none: that is how scripts
// and container files leave one out.
func unsetEmpty() error {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, "HEARSAY_") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// commandOf returns the words of the command that was understood, up to the one
// whose flags were meant: where a word may be left out, it is added.
func commandOf(c *kong.Context) []string {
	var words []string
	var last *kong.Node
	for _, p := range c.Path {
		if p.Command != nil {
			words, last = append(words, p.Command.Name), p.Command
		}
	}
	if last != nil && last.DefaultCmd != nil {
		words = append(words, last.DefaultCmd.Name)
	}
	return words
}

// silent is an error that is found and not shown.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// report prints an error, if there is one, and returns the exit code. Its text
// may come from an agent, or from a peer through it.
func report(t *terminal, err error) int {
	if err == nil {
		return exitDone
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(t.stderr, "hearsay: %s\n", escape(strings.TrimSuffix(line, "\n")))
	}
	if errors.Is(err, errUsage) || errors.Is(err, agent.ErrConfig) || errors.Is(err, client.ErrAddr) {
		return exitUsage
	}
	return exitFailed
}
