package main

import "fmt"

// The exit statuses. Those from 22 to 47 are the ones of curl.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 3
	exitRejected    = 4
	exitLost        = 5
	exitBadResponse = 6
	exitStatus      = 22
	exitWrite       = 23
	exitRead        = 26
	exitTimeout     = 28
	exitRedirects   = 47
	exitInterrupted = 130
)

// exitStatuses documents the exit statuses for "help".
var exitStatuses = []struct {
	status  int
	meaning string
}{
	{exitOK, "success; Ctrl-C ends serve and watch with 0, too"},
	{exitFailed, "other failure"},
	{exitUsage, "wrong command line"},
	{exitConfig, "SyftBox's configuration cannot be used"},
	{exitRejected, "call: SyftBox rejected the request: permission denied"},
	{exitLost, "call: SyftBox lost the request, also after it was resent"},
	{exitBadResponse, "call: the response is malformed or too large"},
	{exitStatus, "call -f: the response has a status of 400 or above"},
	{exitWrite, "call: the response cannot be written"},
	{exitRead, "call: the request body cannot be read"},
	{exitTimeout, "call: no response within -timeout"},
	{exitRedirects, "call -L: too many redirects"},
	{exitInterrupted, "call: interrupted by Ctrl-C (SIGINT); 143 by SIGTERM, 129 by SIGHUP"},
}

// A statusError is an error with an exit status.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// withStatus gives an error an exit status.
func withStatus(status int, err error) error { return &statusError{status: status, err: err} }

// usageError returns an error for a wrong command line.
func usageError(format string, args ...any) error {
	return withStatus(exitUsage, fmt.Errorf(format, args...))
}
