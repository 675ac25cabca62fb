// Package spreadcmd is the command "hearsay sim spread": it runs package
// epidemic and prints what it showed beside what theory expects, as a table,
// JSON, CSV or a plot.
//
// The command line mounts [Spread] and binds a context, which ends long runs:
//
//	var cli struct {
//		Spread spreadcmd.Spread `cmd:"" help:"..."`
//	}
//	parser, err := kong.New(&cli, kong.BindTo(ctx, (*context.Context)(nil)))
//
// Output goes to the parser's Stdout, progress to its Stderr if that is a
// terminal.
package spreadcmd
