//go:build !linux && !darwin

package benchcluster

// The runtime has raised the soft limit to the hard one, and Windows has none.
func raiseFiles(int, int) error { return nil }
