//go:build !(darwin || linux || windows)

package spool

import "os"

// isLocal believes nothing here.
func isLocal(*os.File) bool { return false }
