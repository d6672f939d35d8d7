//go:build !unix

package spool

// openNonblock is nothing where files are never FIFOs.
const openNonblock = 0
