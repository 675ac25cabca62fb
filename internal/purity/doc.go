// Package purity checks what makes the core a pure function of its input, as
// far as linters cannot: it type-checks packages and reports every construct
// that lets the scheduler, the order of a map, or hidden state reach an output.
//
//   - go statements, select, channel types and channel operations
//   - range over a map; maps.Keys, Values and All unless slices.Sorted* takes
//     them at once
//   - package-level variables other than errors and tables nobody writes to
//   - init functions, which run before anyone hands in a clock
//   - the verb %p, which prints an address
//   - a package without a package comment
//
// A line may carry an exception, whose reason is part of the comment:
//
//	for id := range m { //purity:ok the sum does not depend on the order
//
// An exception without a reason, or one that excuses nothing, is reported too.
package purity
