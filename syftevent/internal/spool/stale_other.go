//go:build !unix

package spool

// isStale is for network file systems of Unix.
func isStale(error) bool { return false }

// cannotSync is true where directories cannot be opened as files.
func cannotSync(error) bool { return true }
