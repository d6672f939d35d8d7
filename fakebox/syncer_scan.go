package fakebox

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A hashedFile caches the etag of a file.
type hashedFile struct {
	info fs.FileInfo
	etag string
}

// racyAge is the minimum age of a modification time, when the file is read, for the same
// time to mean the same content: the rule of git's index, with two seconds for the
// coarsest file system clocks.
const racyAge = 2 * time.Second

// scan returns the etags of all files that are to be synced; that of an empty file is "".
// As in SyftBox, a file or folder that disappears during the scan is an error.
func (y *syncer) scan() (map[string]string, error) {
	here := map[string]string{}
	hashed := map[string]hashedFile{}
	err := filepath.WalkDir(y.tree.datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		key := y.tree.keyOf(name)
		// Files outside a datasite, and names with a backslash, never travel.
		if Ignores(key) || !strings.Contains(key, "/") || strings.Contains(key, `\`) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			here[key] = ""
			return nil
		}
		if known, ok := y.hashed[key]; ok && unchanged(known.info, info) {
			here[key], hashed[key] = known.etag, known
			return nil
		}
		data, err := y.tree.readFile(key)
		if err != nil {
			return err
		}
		if len(data) == 0 {
			here[key] = ""
			return nil
		}
		here[key] = etagOf(data)
		if time.Since(info.ModTime()) > racyAge {
			hashed[key] = hashedFile{info, here[key]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	y.hashed = hashed
	return here, nil
}

// unchanged reports whether two infos describe the same file with the same size and time.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}
