//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package engine

import (
	"errors"
	"os"
)

// tryLock is not supported here.
func tryLock(*os.File, bool) error { return errors.ErrUnsupported }
