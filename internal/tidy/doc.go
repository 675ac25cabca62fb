// Package tidy checks the house rules that no compiler and no linter knows,
// for every tracked file, under go test: no path of somebody's machine, no
// script that swallows a failure, no forgotten marker, no file that outgrew
// its idea, no package without its sentence, no decision record without its
// four parts, no test that sleeps, no dependency without a reason.
//
// A file may be excused from a rule in allowed, in tidy_test.go, with a reason.
// An entry that excuses nothing fails the test, so the list only shrinks by
// itself.
package tidy
