package syftevent

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// isRejection reports whether SyftBox gives a rejected request the name: with a time after
// the marker if the plain name is taken, and without dots in the old form.
func isRejection(name, id string) bool {
	rest, ok := strings.CutPrefix(name, id+".")
	return ok && strings.HasSuffix(name, protocol.RequestSuffix) &&
		(strings.HasPrefix(rest, "rejected.") || strings.HasPrefix(rest, "syftrejected."))
}

// removeRejections removes the rejected requests of an id.
func removeRejections(root *os.Root, dir, id string) error {
	var rejected []string
	err := eachName(root, dir, func(name string) {
		if isRejection(name, id) && len(rejected) < namesAtOnce {
			rejected = append(rejected, name)
		}
	})
	if err != nil {
		return err
	}
	for _, name := range rejected {
		if err := root.Remove(path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// namesAtOnce limits the names of a directory in memory: other users choose how many
// there are.
const namesAtOnce = 256

// eachName calls f with each name in a directory. It holds few names at a time.
func eachName(root *os.Root, dir string, f func(name string)) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(namesAtOnce)
		for _, name := range names {
			f(name)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
