// Package simcmd is the commands "hearsay sim cluster" and "hearsay sim plan":
// they run package scenario, many machines of the shipping protocol in virtual
// time, and print how it went as a table, JSON, CSV or a picture.
//
// The command line mounts [Cluster] and [Plan] and binds a context, which ends
// long runs:
//
//	var cli struct {
//		Cluster simcmd.Cluster `cmd:"" help:"..."`
//		Plan    simcmd.Plan    `cmd:"" help:"..."`
//	}
//	parser, err := kong.New(&cli, kong.BindTo(ctx, (*context.Context)(nil)))
//
// Output goes to the parser's Stdout, progress to its Stderr if that is a
// terminal.
package simcmd
