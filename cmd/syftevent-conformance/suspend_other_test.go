//go:build !unix

package main

import "errors"

var errNoSuspend = errors.New("a process cannot be suspended here")

func suspend(int) error { return errNoSuspend }
func resume(int) error  { return errNoSuspend }
