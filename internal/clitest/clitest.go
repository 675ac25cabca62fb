// Package clitest runs commands in process, as the tests of their packages need:
// a kong grammar and arguments in, what was printed and the error out.
package clitest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "rewrite the golden files: after a change of what is printed that you can explain")

// exited is what the parser's exit panics with, after help.
type exited struct{}

// Run parses and runs a command line; cli is a pointer to a fresh grammar. What is
// written to standard error, which is a pipe here, becomes an error: progress
// belongs on terminals.
func Run(ctx context.Context, cli any, args ...string) (stdout string, err error) {
	var out, errOut bytes.Buffer
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case exited:
			stdout = out.String()
		default:
			panic(caught)
		}
	}()
	app, err := kong.New(cli, kong.Name("hearsay"), kong.Writers(&out, &errOut), kong.Exit(func(int) { panic(exited{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return "", err
	}
	parsed, err := app.Parse(args)
	if err != nil {
		return out.String(), err
	}
	err = parsed.Run()
	if errOut.Len() > 0 {
		return out.String(), errors.Join(err, errors.New("written to standard error in a pipe: "+errOut.String()))
	}
	return out.String(), err
}

// Golden runs command lines, by the name of their golden file in testdata, and
// compares what they print; -update rewrites the files. Clean, if not nil, takes
// out what differs between machines. A file without a command line is an error.
func Golden(t *testing.T, lines map[string]string, run func(ctx context.Context, args ...string) (string, error), clean func(string) string) {
	t.Helper()
	for name, line := range lines {
		t.Run(name, func(t *testing.T) {
			t.Setenv("COLUMNS", "100")
			got, err := run(t.Context(), strings.Fields(line)...)
			if err != nil {
				t.Fatal(err)
			}
			if clean != nil {
				got = clean(got)
			}
			compare(t, filepath.Join("testdata", name+".golden"), line, got)
		})
	}
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, used := lines[strings.TrimSuffix(filepath.Base(file), ".golden")]; !used {
			t.Errorf("%s belongs to no command line", file)
		}
	}
}

func compare(t *testing.T, file, line, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s(run the test with -update if the change is meant)", line, got, want)
	}
}

// Refused runs command lines that must fail as errors of usage, before anything
// is printed, with an error that contains the text given for each.
func Refused(t *testing.T, lines map[string]string, run func(ctx context.Context, args ...string) (string, error)) {
	t.Helper()
	for line, want := range lines {
		out, err := run(t.Context(), strings.Fields(line)...)
		var usage *kong.ParseError
		if err == nil || !errors.As(err, &usage) || out != "" {
			t.Errorf("%s: error %v, printed %q, want an error of usage and nothing else", line, err, out)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %q, want %q in it", line, err, want)
		}
	}
}
