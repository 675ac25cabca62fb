package scenario

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed builtin/*.txt
var builtins embed.FS

// ErrUnknown is returned for a name that is no built-in scenario.
var ErrUnknown = errors.New("unknown scenario")

// Names returns the names of the built-in scenarios, sorted.
func Names() []string {
	entries, err := builtins.ReadDir("builtin")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".txt"))
	}
	slices.Sort(names)
	return names
}

// Text returns the text of a built-in scenario. The error wraps [ErrUnknown].
func Text(name string) (string, error) {
	text, err := builtins.ReadFile("builtin/" + name + ".txt")
	if err != nil {
		return "", fmt.Errorf("%w %q%s", ErrUnknown, name, suggest(name, Names()))
	}
	return string(text), nil
}
