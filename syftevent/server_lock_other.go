//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package syftevent

import (
	"errors"
	"os"
)

// tryLock is not supported here.
func tryLock(*os.File) error { return errors.ErrUnsupported }
