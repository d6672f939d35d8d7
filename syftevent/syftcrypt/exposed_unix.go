//go:build unix

package syftcrypt

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate returns an error if others can read or replace a file: its mode has to be 0600
// or stricter, and it has to belong to this user or to root.
func checkPrivate(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: mode is %04o, want 0600", ErrExposed, mode)
	}
	return checkOwner(info)
}

// checkPrivateDir returns an error if everyone can replace the files in a directory.
func checkPrivateDir(info fs.FileInfo) error {
	if mode := info.Mode(); mode.Perm()&0o002 != 0 {
		return fmt.Errorf("%w: everyone can write to the directory, its mode is %04o", ErrExposed, mode.Perm())
	}
	return checkOwner(info)
}

func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: the owner is another user", ErrExposed)
	}
	return nil
}
