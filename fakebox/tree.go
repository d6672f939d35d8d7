package fakebox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A tree is the SyftBox folder of one machine, as its client reads and writes it. Files
// are named by keys: paths relative to "datasites", with slashes.
type tree struct {
	sim   *simulation
	email string
	dir   string // the parent of "datasites"
	root  *os.Root

	// pruning is held for reading from the creation of a folder to that of the file in it:
	// another file's removal would prune the folder in between.
	pruning sync.RWMutex
}

func (t *tree) datasites() string { return filepath.Join(t.dir, "datasites") }

// path returns the file of a key.
func (t *tree) path(key string) string {
	return filepath.Join(t.datasites(), filepath.FromSlash(path.Clean("/"+key)))
}

// keyOf returns the key of a file below "datasites".
func (t *tree) keyOf(name string) string {
	return filepath.ToSlash(strings.TrimPrefix(name, t.datasites()+string(filepath.Separator)))
}

// inRoot returns the path of a key relative to root.
func inRoot(key string) string { return path.Join("datasites", key) }

func (t *tree) lstat(key string) (fs.FileInfo, error) { return t.root.Lstat(inRoot(key)) }

// readFile reads a regular file. It does not follow symbolic links, which SyftBox never
// sends.
func (t *tree) readFile(key string) ([]byte, error) {
	info, err := t.lstat(key)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	return t.root.ReadFile(inRoot(key))
}

// writeFile writes a file as an application does, and creates its folder.
func (t *tree) writeFile(key string, data []byte) error {
	t.pruning.RLock()
	defer t.pruning.RUnlock()
	if err := t.root.MkdirAll(path.Dir(inRoot(key)), 0o755); err != nil {
		return err
	}
	return t.root.WriteFile(inRoot(key), data, 0o644)
}

// remove removes a file, and the folders above it that become empty. It is not an error
// if an application was faster.
func (t *tree) remove(key string, fault Fault) error {
	err := t.sim.journal.recordOnce(
		Event{Actor: boxActor(t.email), Op: OpRemove, Path: key, Via: ViaFullSync, Fault: fault},
		func() error { return t.root.Remove(inRoot(key)) },
	)
	t.pruning.Lock()
	defer t.pruning.Unlock()
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if t.root.Remove(inRoot(dir)) != nil {
			break // not empty
		}
	}
	return ignoreNotExist(err)
}

// mark renames a file to its marker. An older marker of that name is moved away. It
// returns an error if the file does not exist.
func (t *tree) mark(key, marker string, op Op, via string, fault Fault) error {
	name := inRoot(key)
	if _, err := t.root.Lstat(name); err != nil {
		return err
	}
	to := marked(name, marker)
	if _, err := t.root.Lstat(to); err == nil {
		if err := t.root.Rename(to, rotated(name, marker, t.sim.clock.now())); err != nil {
			return err
		}
	}
	return t.sim.journal.recordOnce(
		Event{Actor: boxActor(t.email), Op: op, Path: key, Via: via, Fault: fault, Note: "renamed to " + path.Base(to)},
		func() error { return t.root.Rename(name, to) },
	)
}

// removeLegacyMarkers removes the markers of earlier SyftBox versions.
func (t *tree) removeLegacyMarkers() error {
	return filepath.WalkDir(t.datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isLegacyMarker(d.Name()) {
			return ignoreNotExist(err)
		}
		return t.root.Remove(inRoot(t.keyOf(name)))
	})
}

// times is a fault's change of a file's modification time. Nil changes nothing.
type times func(now time.Time) time.Time

func (f times) apply(root *os.Root, name string) error {
	if f == nil {
		return nil
	}
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	changed := f(info.ModTime())
	return root.Chtimes(name, changed, changed)
}

// place writes a file in the way that a delivery specifies, and records its arrival with the
// step that completes it. It calls pause between chunks, and gives up if that fails.
func (t *tree) place(arrival Event, data []byte, how Delivery, set times, pause func(time.Duration) error) error {
	final := inRoot(arrival.Path)
	complete := func(last func() error) error { return t.sim.journal.recordOnce(arrival, last) }
	t.pruning.RLock()
	exists := sync.OnceFunc(t.pruning.RUnlock)
	defer exists()
	if err := t.root.MkdirAll(path.Dir(final), 0o755); err != nil {
		return err
	}
	switch how.Mode {
	case WebSocket:
		const tempDir = ".syft-tmp" // beside "datasites"
		if err := t.root.MkdirAll(tempDir, 0o755); err != nil {
			return err
		}
		temp := path.Join(tempDir, fmt.Sprintf("%s.syft.tmp.%d", path.Base(final), uint32(t.sim.chance.draw(final))))
		return t.placeByRename(temp, final, data, 0o600, set, complete)
	case BlobStore:
		temp := fmt.Sprintf("%s.tmp.%d", final, uint32(t.sim.chance.draw(final)))
		return t.placeByRename(temp, final, data, 0o644, set, complete)
	default:
		f, err := t.root.OpenFile(final, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		exists()
		return writeChunks(f, data, how, pause, func(last func() error) error {
			return complete(func() error { return errors.Join(last(), set.apply(t.root, final)) })
		})
	}
}

// placeByRename writes a temporary file and renames it. Unlike SyftBox it does not sync
// the file to disk. SyftBox sets the modification time of a download to the time when
// the download ended; here the file system has just done so.
func (t *tree) placeByRename(temp, final string, data []byte, mode os.FileMode, set times, complete func(func() error) error) error {
	f, err := t.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = t.root.Chmod(temp, mode)
	}
	if err == nil {
		err = set.apply(t.root, temp)
	}
	if err == nil {
		err = complete(func() error { return t.root.Rename(temp, final) })
	}
	if err != nil {
		t.root.Remove(temp)
	}
	return err
}

// writeChunks writes a file in chunks, and closes it. It calls complete with the last step.
func writeChunks(f *os.File, data []byte, how Delivery, pause func(time.Duration) error, complete func(func() error) error) error {
	size := how.ChunkSize
	if size <= 0 {
		size = DefaultChunkSize
	}
	for len(data) > size {
		if _, err := f.Write(data[:size]); err != nil {
			return errors.Join(err, f.Close())
		}
		data = data[size:]
		if err := pause(how.Pause); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	err := complete(func() error {
		_, err := f.Write(data)
		return err
	})
	return errors.Join(err, f.Close())
}

// ignoreNotExist returns err, or nil if a file does not exist: applications may remove
// files at any time.
func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
