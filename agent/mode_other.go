//go:build !unix

package agent

import "io/fs"

// openToOthers cannot be told from the mode where files have access lists: they
// are the operator's to set.
func openToOthers(fs.FileInfo) bool { return false }
