//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package syftcrypt

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file until it is closed, or returns errLocked.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
