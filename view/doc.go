// Package view is what an application sees of its cluster through a node. A
// node of the root package and one of the simulator hand out the very same
// types and errors, so that what is written for one works with the other.
//
// The root package and package sim give all of it their own names
// (hearsay.Member is view.Member), by which applications use it. A [Lens] is
// for the drivers of a machine alone.
package view
