package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hearsay": main})
}

// Each script is named after the command that it is about.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("COLUMNS", "80")
			e.Values[agentsKey{}] = &agents{env: e, running: make(map[string]*process)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":  cmdStart,
			"signal": cmdSignal,
			"await":  cmdAwait,
			"logged": cmdLogged, "streams": cmdStreams,
			"http":  cmdHTTP,
			"write": cmdWrite,
			"code":  cmdCode,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
