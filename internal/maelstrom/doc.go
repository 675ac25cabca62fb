// Package maelstrom runs a node program under a network of lines of JSON, puts
// load and faults on it, and says what it lost: the protocol, the workloads, the
// counting and the set-full checker of Maelstrom (jepsen-io/maelstrom), written
// anew in Go so that a test needs no Java.
//
// [Simulate] drives nodes of the same process through the small interface [Node]
// in virtual time: a minute takes some milliseconds, and a random seed replays.
// [Execute] starts a program per node and talks to it over its standard input
// and output in real time, as the original does.
//
// Both are one event loop with two clocks. All that happens – a line that is
// due, a client's next request, a cut – is an event of the loop, so that nothing
// here needs a lock.
//
// Three checks go beyond the original: an element that appears twice in one read,
// one that nobody added, and one that was known and that some node lacks in the
// end, are faults. Where a node of [Simulate] is a
// [Witness], the time until the last node has an element is measured, too; the
// original knows only what clients happen to read, and misses the slow tail.
package maelstrom
