//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package syftcrypt

import (
	"errors"
	"os"
)

// tryLock returns that there are no locks.
func tryLock(*os.File) error { return errors.ErrUnsupported }
