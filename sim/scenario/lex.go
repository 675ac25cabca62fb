package scenario

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is a mistake in a scenario.
type Error struct {
	Name         string // of the scenario or its file
	Line, Column int    // from 1; columns count characters
	What         string
}

// Error returns "name:line:column: what".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.What) }

// ErrScript is what every [Error] unwraps to.
var ErrScript = errors.New("mistake in scenario")

// Unwrap returns [ErrScript].
func (e *Error) Unwrap() error { return ErrScript }

// token is one piece of a line. A text is what stood in quotes, or bare.
type token struct {
	text   string
	column int
	quoted bool
}

// marks are the tokens that are no words; longer ones first.
var marks = []string{"->", "<=", ">=", "{", "}", "|", ",", "=", "<", ">"}

// lex splits a line into tokens and drops its comment.
func lex(line string) ([]token, *Error) {
	var tokens []token
	column := 1
	for len(line) > 0 {
		r, size := utf8.DecodeRuneInString(line)
		switch mark := markAt(line); {
		case r == '#':
			return tokens, nil
		case unicode.IsSpace(r):
			line, column = line[size:], column+1
		case mark != "":
			tokens = append(tokens, token{text: mark, column: column})
			line, column = line[len(mark):], column+len(mark)
		case r == '"':
			text, rest, ok := strings.Cut(line[1:], `"`)
			if !ok {
				return nil, &Error{Column: column, What: "a quote that is not closed"}
			}
			tokens = append(tokens, token{text: text, column: column, quoted: true})
			line, column = rest, column+utf8.RuneCountInString(text)+2
		default:
			word := wordAt(line)
			tokens = append(tokens, token{text: word, column: column})
			line, column = line[len(word):], column+utf8.RuneCountInString(word)
		}
	}
	return tokens, nil
}

func markAt(line string) string {
	for _, m := range marks {
		if strings.HasPrefix(line, m) {
			return m
		}
	}
	return ""
}

// wordAt returns the bare word that a line begins with: never empty, even for
// bytes that are no characters.
func wordAt(line string) string {
	for i, r := range line {
		if i > 0 && (unicode.IsSpace(r) || r == '"' || r == '#' || markAt(line[i:]) != "") {
			return line[:i]
		}
	}
	return line
}
