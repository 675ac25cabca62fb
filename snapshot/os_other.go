//go:build !unix

package snapshot

// syncDir does nothing: Windows has no call for it and orders the metadata of
// NTFS by its journal, so a crash can undo a rename but not halve it.
func syncDir(string) error { return nil }
