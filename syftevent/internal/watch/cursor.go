package watch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A cursor is the file that holds which version of each file each handler has seen. It has
// lines of JSON: a cursorHead, one [watch, path, size, mtime] for each file and pattern, and a
// cursorEnd. It is replaced as a whole.
type cursor struct {
	path    string
	dirty   bool      // handlers have seen more than the file says
	next    time.Time // when it may be written next
	failing bool      // the last write failed, which was logged
}

// cursorName is the name of the file in the app's directory. SyftBox does not sync *.tmp files.
const cursorName = ".syftevent-watch.tmp"

type cursorHead struct {
	Version  int      `json:"version"`
	Patterns []string `json:"patterns"`
}

type cursorEnd struct {
	Lines int    `json:"lines"`
	CRC32 uint32 `json:"crc32"` // of all lines before, IEEE
}

const (
	cursorVersion = 1
	// maxCursor is the size of a file that no server writes.
	maxCursor = 1 << 28
	// The cursor is written at most once a second, and less often if it is large: cursorRate
	// is in bytes a second.
	saveEvery  = time.Second
	cursorRate = 1 << 20
)

// errCursor means that a cursor is not one that a server wrote.
var errCursor = errors.New("the file is corrupt")

// load fills the Watcher with the files of the cursor. If it is missing or corrupt, all
// files are new.
func (w *Watcher) load() {
	data, err := readCursor(w.cursor.path)
	if err == nil && data != nil {
		err = w.restore(data)
	}
	if err != nil {
		w.options.Logger.Error("syftevent: reading cursor of watched files failed, all files count as created",
			"path", w.cursor.path, "err", err)
	}
}

func readCursor(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxCursor:
		return nil, fmt.Errorf("not a regular file of at most %d bytes", maxCursor)
	}
	data, err := os.ReadFile(name)
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// restore adds the files of a cursor. It adds none if the cursor is corrupt.
func (w *Watcher) restore(data []byte) error {
	body, end := data, cursorEnd{}
	if i := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n'); i >= 0 {
		body = data[:i+1]
		if err := json.Unmarshal(data[i+1:], &end); err != nil {
			return errCursor
		}
	}
	if crc32.ChecksumIEEE(body) != end.CRC32 || bytes.Count(body, []byte("\n")) != end.Lines || end.Lines == 0 {
		return errCursor
	}
	first, rest, _ := bytes.Cut(body, []byte("\n"))
	var head cursorHead
	if err := json.Unmarshal(first, &head); err != nil {
		return errCursor
	}
	if head.Version != cursorVersion {
		return fmt.Errorf("version is %d, must be %d", head.Version, cursorVersion)
	}
	watches := map[int]int{} // the index of a pattern in the file, and in the options
	for i, text := range head.Patterns {
		for k, watch := range w.options.Watches {
			if watch.Pattern.text == text {
				watches[i] = k
			}
		}
	}
	for line := range bytes.Lines(rest) {
		var index int
		var name string
		done := version{exists: true}
		if err := json.Unmarshal(line, &[]any{&index, &name, &done.size, &done.modified}); err != nil {
			return errCursor
		}
		// The pattern may be of another datasite, if the server's has changed.
		if k, ok := watches[index]; ok && isBelow(name) && fs.ValidPath(name) && w.options.Watches[k].Pattern.Match(name) {
			w.restoreFile(name, k, done)
		}
	}
	return nil
}

// restoreFile notes that a handler has seen a version of a file.
func (w *Watcher) restoreFile(name string, watch int, done version) {
	dir, base := path.Split(name)
	dir = dir[:len(dir)-1]
	d := w.directories[dir]
	if d == nil {
		site, _, _ := bytes.Cut([]byte(dir), []byte("/"))
		s := w.sites[string(site)]
		if s == nil {
			s = w.newSite(string(site))
		}
		if d = w.directory(s, dir); d == nil {
			return
		}
	}
	f := d.files[base]
	if f == nil {
		var watches []int
		for i, watch := range w.options.Watches {
			if watch.Pattern.Match(name) {
				watches = append(watches, i)
			}
		}
		if protocol.IsUnsynced([]byte(base), false) {
			return
		}
		if f = w.newFile(d, base, watches); f == nil {
			return
		}
	}
	for i := range f.deliveries {
		if f.deliveries[i].watch == watch {
			f.deliveries[i].done = done
		}
	}
	w.unknown = true
}

// save writes the cursor.
func (w *Watcher) save() {
	size, err := w.write()
	switch {
	case err == nil:
		w.cursor.dirty, w.cursor.failing = false, false
	case !w.cursor.failing:
		w.cursor.failing = true
		w.options.Logger.Warn("syftevent: writing cursor of watched files failed, will retry", "path", w.cursor.path, "err", err)
	}
	w.cursor.next = time.Now().Add(saveEvery + time.Duration(size)*time.Second/cursorRate)
}

// write replaces the cursor by renaming: a process that is killed leaves the old file or the new
// one. It returns the size.
func (w *Watcher) write() (size int, err error) {
	next := w.cursor.path + ".next.tmp"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	size, err = w.encode(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(next, w.cursor.path)
	}
	if err != nil {
		os.Remove(next)
	}
	return size, err
}

// encode writes the content of the cursor.
func (w *Watcher) encode(to *os.File) (size int, err error) {
	out := bufio.NewWriterSize(to, 1<<16)
	sum, lines := uint32(0), 0
	var failed error
	write := func(values any) {
		if failed != nil {
			return
		}
		line, err := json.Marshal(values)
		if err == nil {
			line = append(line, '\n')
			sum = crc32.Update(sum, crc32.IEEETable, line)
			lines++
			size += len(line)
			_, err = out.Write(line)
		}
		failed = err
	}
	head := cursorHead{Version: cursorVersion}
	for _, watch := range w.options.Watches {
		head.Patterns = append(head.Patterns, watch.Pattern.text)
	}
	write(head)
	for _, d := range w.directories {
		for _, f := range d.files {
			for _, delivery := range f.deliveries {
				if done := delivery.done; done.exists {
					write([]any{delivery.watch, f.path(), done.size, done.modified})
				}
			}
		}
	}
	write(cursorEnd{lines, sum})
	return size, errors.Join(failed, out.Flush())
}
