package rootfs

import (
	"errors"
	"os"
	"time"
)

// Now returns the time of the file system's clock, which on a network share is the file
// server's: the time of a temporary file. prefix begins the name of that file. Mercurial
// uses the same method.
func Now(root *os.Root, prefix string) (time.Time, error) {
	name := tempName(prefix)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return time.Time{}, err
	}
	defer root.Remove(name)
	_, err = f.Write([]byte("?"))
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
