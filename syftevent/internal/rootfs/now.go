package rootfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// Now returns the time that a file written now gets. On a network share it is
// the server's. Mercurial uses the same method.
func Now(root *os.Root) (time.Time, error) {
	name := fmt.Sprintf("%snow-%016x%s", ServePrefix, rand.Uint64(), tempSuffix)
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
