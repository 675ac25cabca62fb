package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of ${enum}."`
}

func (c *completionCmd) Run(t *terminal, parsed *kong.Context) error {
	words := completions(parsed.Model.Node, nil)
	switch c.Shell {
	case "zsh": // understands scripts for bash
		if _, err := io.WriteString(t.stdout, "autoload -U +X bashcompinit && bashcompinit\n"); err != nil {
			return err
		}
		return bashScript(t.stdout, words)
	case "fish":
		return fishScript(t.stdout, words)
	}
	return bashScript(t.stdout, words)
}

// completion is what may follow a command: its sub-commands and flags.
type completion struct {
	command []string
	words   []completionWord
}

type completionWord struct{ text, help string }

// completions walks the commands, parents first.
func completions(n *kong.Node, command []string) []completion {
	c := completion{command: command}
	var below []completion
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		c.words = append(c.words, completionWord{child.Name, child.Help})
		below = append(below, completions(child, append(slices.Clone(command), child.Name))...)
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			c.words = append(c.words, completionWord{"--" + f.Name, f.Help})
		}
	}
	return append([]completion{c}, below...)
}

// bashScript looks the command up by the words before the cursor that are no
// flags; it stops at the first word that is no command.
func bashScript(w io.Writer, all []completion) error {
	var b strings.Builder
	b.WriteString("_hearsay() {\n" +
		"  local cur=${COMP_WORDS[COMP_CWORD]} path= word words=\n" +
		"  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
		"    case \"$path $word\" in\n")
	for _, c := range all[1:] {
		path := strings.Join(c.command, " ")
		fmt.Fprintf(&b, "      ' %s') path=' %s' ;;\n", path, path)
	}
	b.WriteString("    esac\n  done\n  case \"$path\" in\n")
	for _, c := range all {
		path := ""
		for _, p := range c.command {
			path += " " + p
		}
		texts := make([]string, len(c.words))
		for i, word := range c.words {
			texts[i] = word.text
		}
		fmt.Fprintf(&b, "    '%s') words='%s' ;;\n", path, strings.Join(texts, " "))
	}
	b.WriteString("  esac\n" +
		"  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n" +
		"  [[ ${#COMPREPLY[@]} -gt 0 || $cur == -* ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n" +
		"}\ncomplete -F _hearsay hearsay\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func fishScript(w io.Writer, all []completion) error {
	var b strings.Builder
	for _, c := range all {
		when := "__fish_use_subcommand"
		if len(c.command) > 0 {
			when = "__fish_seen_subcommand_from " + strings.Join(c.command, "; and __fish_seen_subcommand_from ")
		}
		for _, word := range c.words {
			kind := "-a '" + word.text + "'"
			if flag, ok := strings.CutPrefix(word.text, "--"); ok {
				kind = "-l '" + flag + "'"
			}
			fmt.Fprintf(&b, "complete -c hearsay -n '%s' %s -d '%s'\n", when, kind, fishQuote(word.help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func fishQuote(text string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text)
}
