//go:build unix

package syftcrypt

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// checkPrivateDir returns an error if others can replace the files in a directory.
func checkPrivateDir(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%w: others can write to the directory, its mode is %04o; run chmod go-w on it", ErrExposed, mode)
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

// maxLinks limits the symbolic links on the way to a directory.
const maxLinks = 40

// checkParents returns an error if others can replace a directory, because they can write to one
// of the directories on the way to it: those in its path, and those that lead to the targets of
// symbolic links. Directories that do not exist are not checked.
func checkParents(dir string) error {
	const separator = string(filepath.Separator)
	current, links := separator, 0
	rest := strings.Split(filepath.Clean(dir), separator)
	for {
		info, err := os.Lstat(current)
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return fmt.Errorf("%w: too many symbolic links on the way to %s", ErrExposed, dir)
			}
			target, err := os.Readlink(current)
			if err != nil {
				return err
			}
			if current = filepath.Dir(current); filepath.IsAbs(target) {
				current = separator
			}
			rest = append(strings.Split(target, separator), rest...)
		default:
			if err := checkParent(current, info); err != nil {
				return err
			}
		}
		for len(rest) > 0 && (rest[0] == "" || rest[0] == ".") {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return nil
		}
		current = filepath.Join(current, rest[0]) // links are resolved, so ".." is the parent
		rest = rest[1:]
	}
}

// checkParent returns an error if others can rename or remove what this user has in a directory.
// In one with the sticky bit, such as /tmp, they cannot. Root works in the directories of users.
func checkParent(dir string, info fs.FileInfo) error {
	mode := info.Mode()
	if mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("%w: others can write to %s, whose mode is %04o, and so replace the keys; run chmod go-w on it",
			ErrExposed, dir, mode.Perm())
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if euid := os.Geteuid(); ok && stat.Uid != 0 && euid != 0 && int(stat.Uid) != euid {
		return fmt.Errorf("%w: %s belongs to another user, who can replace the keys; run chown on it", ErrExposed, dir)
	}
	return nil
}
