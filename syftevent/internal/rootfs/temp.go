package rootfs

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tempSuffix ends the names of temporary files, which begin with a prefix that the caller
// chooses. Synchronization tools do not copy files with this suffix to other machines.
const tempSuffix = ".tmp"

// process begins the names of this process's temporary files, after the prefix.
var process = rand.Text()[:8] + "-"

// ProcessPrefix returns what the names of this process's temporary files have after their prefix.
func ProcessPrefix() string { return process }

// IsAbandoned reports whether a name is that of a temporary file with the prefix that another
// process made.
func IsAbandoned(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && strings.HasSuffix(rest, tempSuffix) && !strings.HasPrefix(rest, process)
}

// tempName returns a new name for a temporary file.
func tempName(prefix string) string { return prefix + process + rand.Text() + tempSuffix }

// writeTemp creates a temporary file in a directory, writes data and closes it.
func writeTemp(root *os.Root, prefix, dir string, data []byte, durable bool) (name string, info fs.FileInfo, err error) {
	name = path.Join(dir, tempName(prefix))
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", nil, err
	}
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if err == nil {
		info, err = f.Stat()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		root.Remove(name)
		return "", nil, err
	}
	return name, info, nil
}

// Move renames a file to a name that must be free. It returns an error that matches
// fs.ErrExist if the name is taken.
func Move(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	// The file system may have no hard links.
	if _, statErr := root.Lstat(to); !errors.Is(statErr, fs.ErrNotExist) {
		return err
	}
	return root.Rename(from, to)
}

// Replace replaces the content of a file atomically: a reader finds the old content or the
// new one. prefix begins the name of the temporary file.
func Replace(root *os.Root, prefix, name string, data []byte) error {
	temp, _, err := writeTemp(root, prefix, path.Dir(name), data, false)
	if err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		root.Remove(temp)
		return err
	}
	return nil
}
