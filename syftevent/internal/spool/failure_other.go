//go:build !unix && !windows

package spool

var nameErrors, passingErrors []error
