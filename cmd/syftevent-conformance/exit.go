package main

import (
	"fmt"
	"io"
)

// The exit statuses.
const (
	exitOK           = 0
	exitUnexpected   = 1
	exitUsage        = 2
	exitCouldNotTest = 3
	exitInterrupted  = 130
)

// exitStatuses documents the exit statuses for "help".
var exitStatuses = []struct {
	status  int
	meaning string
}{
	{exitOK, "every result was expected"},
	{exitUnexpected, "at least one result was unexpected; outranks 3"},
	{exitUsage, "usage or configuration error"},
	{exitCouldNotTest, "something could not be tested"},
	{exitInterrupted, "interrupted by Ctrl-C (SIGINT); 143 by SIGTERM, 129 by SIGHUP"},
}

// A statusError is an error with an exit status.
type statusError struct {
	status int
	err    error
	usage  bool // refer to the help of the command
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// usageError returns an error for a wrong command line.
func usageError(format string, args ...any) error {
	return &statusError{exitUsage, fmt.Errorf(format, args...), true}
}

// configError gives err the exit status of a configuration error.
func configError(err error) error { return &statusError{status: exitUsage, err: err} }

// printError prints err unless it is nil.
func printError(stderr io.Writer, err error) {
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", program, err)
	}
}
