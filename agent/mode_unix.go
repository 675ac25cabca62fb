//go:build unix

package agent

import "io/fs"

// openToOthers reports whether group or world may read or write a file.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
