package mutant

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// defectState is the state that only defects need. server.mu protects it, except for
// handles, which only the polling goroutine uses.
type defectState struct {
	started  time.Time
	ignored  map[string]bool     // requests never to handle, by path
	seen     map[string]bool     // all requests ever seen, by path
	blocked  map[string]bool     // requests whose response name is blocked, by path
	kept     map[string]bool     // sender folders that have had a .syftkeep, by path
	handles  map[string]*os.File // of directories, by path
	leaked   []*os.File
	versions map[string]string // of answered requests, by path
	lastingState

	listings map[string][]os.DirEntry // by path; only the polling goroutine uses it
	folded   map[string]string        // paths of requests, by path in lower case
	turns    map[string]*sync.Mutex   // by endpoint, or by sender
	inTime   map[string]bool          // queued requests that had not expired, by path
	begun    map[string]time.Time     // when a request was first found in flight, by path
	lastWork time.Time                // when a request was last dispatched
}

func newDefectState() defectState {
	return defectState{
		ignored:  map[string]bool{},
		seen:     map[string]bool{},
		blocked:  map[string]bool{},
		kept:     map[string]bool{},
		handles:  map[string]*os.File{},
		versions: map[string]string{},
		listings: map[string][]os.DirEntry{},
		folded:   map[string]string{},
		turns:    map[string]*sync.Mutex{},
		inTime:   map[string]bool{},
		begun:    map[string]time.Time{},
	}
}

const (
	// tableSize is how many requests "table-full" handles.
	tableSize = 300
	// maxBlocked is how many blocked responses stop "shared-limit".
	maxBlocked = 8
	// maxBusy is how many requests in flight stop "drops-when-busy".
	maxBusy = 200
)

var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

var shortDomain = regexp.MustCompile(`^[^@]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,6}$`)

var simpleAddress = regexp.MustCompile(`^[a-z0-9.]+@[a-z0-9.]+$`)

// ignore makes the server ignore a request from now on.
func (s *server) ignore(file requestFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ignored[file.request()] = true
}

// ignores reports whether a defect makes the server ignore a request.
func (s *server) ignores(file requestFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := file.request()
	if s.ignored[name] {
		return true
	}
	first := !s.seen[name]
	s.seen[name] = true
	if s.lastingIgnores(file, first) {
		s.ignored[name] = true
	}
	switch s.defect {
	case "shared-limit":
		return len(s.blocked) >= maxBlocked
	case "short-domains":
		return file.sender != "" && !shortDomain.MatchString(file.sender)
	case "marker-words":
		return strings.Contains(file.stem, "conflict") || strings.Contains(file.stem, "rejected")
	case "epoch-dies":
		if info, err := os.Lstat(s.path(name)); err == nil && info.ModTime().Unix() < 0 {
			exitFatal(s.log, "time is before the epoch")
		}
	case "short-senders":
		return len(file.sender) > 64
	case "glob-senders":
		return strings.ContainsAny(file.sender, "*?[")
	case "folds-stems":
		return s.isFolded(name)
	case "drops-when-busy":
		if first {
			s.ignored[name] = len(s.inFlight) > maxBusy
		}
	case "bad-times-kill":
		return s.decoder.badTimes.Load() >= 4
	case "idle-workers":
		if first {
			s.lastWork = time.Now()
		}
	case "uuid-only":
		return !uuidForm.MatchString(file.stem)
	case "ascii-stems":
		return strings.ContainsFunc(file.stem, func(r rune) bool { return r >= utf8.RuneSelf })
	case "zero-time":
		info, err := os.Lstat(s.path(name))
		return err == nil && info.ModTime().Unix() == 0
	case "plain-senders":
		return file.sender != "" && !simpleAddress.MatchString(file.sender)
	case "few-waiting":
		if first {
			s.ignored[name] = time.Since(s.started) < time.Second && len(s.seen) > tableSize
		}
	case "loses-thousandth":
		if first {
			s.ignored[name] = len(s.seen)%1000 == 0
		}
	case "table-full":
		if first {
			s.ignored[name] = len(s.seen) > tableSize
		}
	case "private-only":
		info, err := os.Lstat(s.path(name))
		return err == nil && info.Mode().Perm()&0o044 != 0
	case "past-files":
		info, err := os.Lstat(s.path(name))
		return err == nil && s.started.Sub(info.ModTime()) > time.Hour
	case "future-files":
		info, err := os.Lstat(s.path(name))
		return err == nil && time.Until(info.ModTime()) > time.Hour
	case "remembers-begun":
		if first {
			s.recordBegun(name)
		}
	}
	return s.ignored[name]
}

func (s *server) noteBlocked(file requestFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked[file.request()] = true
}

// applyEntryDefect does what a defect does with a special file that is named like a
// request.
func (s *server) applyEntryDefect(dir string, entry os.DirEntry) {
	if !strings.HasSuffix(entry.Name(), requestSuffix) {
		return
	}
	if s.has("bytes-dies") && !utf8.ValidString(entry.Name()) {
		exitFatal(s.log, "name is not UTF-8")
	}
	if s.has("folder-dies") && entry.IsDir() {
		exitFatal(s.log, "request is a directory")
	}
	if s.has("opens-fifo") && entry.Type()&fs.ModeNamedPipe != 0 {
		os.ReadFile(s.path(path.Join(dir, entry.Name()))) // blocks until somebody writes
	}
}

// keepOpen keeps a file open forever.
func (s *server) keepOpen(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaked = append(s.leaked, f)
}

// leadsToFolder reports whether an entry is a symbolic link to a directory.
func (s *server) leadsToFolder(dir string, entry os.DirEntry) bool {
	info, err := os.Stat(s.path(path.Join(dir, entry.Name())))
	return err == nil && entry.Type()&fs.ModeSymlink != 0 && info.IsDir()
}

// listByOldHandle lists a directory by the handle that first opened it.
func (s *server) listByOldHandle(dir string) ([]os.DirEntry, error) {
	f := s.handles[dir]
	if f == nil {
		var err error
		if f, err = os.Open(s.path(dir)); err != nil {
			return nil, err
		}
		s.handles[dir] = f
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return f.ReadDir(-1)
}

// senderDirAbove returns the deepest sender folder in the path of a directory, or the
// directory itself.
func senderDirAbove(dir string) string {
	segments := strings.Split(dir, "/")
	for i := len(segments); i > 1; i-- {
		if addressForm.MatchString(segments[i-1]) {
			return strings.Join(segments[:i], "/")
		}
	}
	return dir
}

// version identifies the file of a request: each delivery makes another.
func (s *server) version(file requestFile) string {
	info, err := os.Lstat(s.path(file.request()))
	if err != nil {
		return ""
	}
	return info.ModTime().String() + info.Mode().String()
}

// differs reports whether the bytes or the mode of an answered request are others than when
// that was first asked.
func (s *server) differs(file requestFile) bool {
	name := s.path(file.request())
	info, err := os.Lstat(name)
	if err != nil {
		return false
	}
	now := info.Mode().String()
	if s.has("changed-again") {
		data, err := os.ReadFile(name)
		if err != nil || !json.Valid(data) {
			return false
		}
		now = string(data)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.versions[file.request()]
	s.versions[file.request()] = now
	if known && before != now {
		s.replies.dropIf(func(request string) bool { return request == file.request() })
		return true
	}
	return false
}

// removesResponse reports whether a defect has removed the response to a request that
// was delivered again, to run it again.
func (s *server) removesResponse(file requestFile) bool {
	if s.has("changed-again") || s.has("mode-again") {
		return s.differs(file) && os.Remove(s.path(file.response())) == nil
	}
	if s.has("distrusts-responses") {
		return s.distrusts(file) && os.Remove(s.path(file.response())) == nil
	}
	if !s.has("redelivered") {
		return false
	}
	info, err := os.Lstat(s.path(file.request()))
	if err != nil || info.ModTime().After(time.Now()) || !s.replies.dropOlder(file.request(), info.ModTime()) {
		return false
	}
	return os.Remove(s.path(file.response())) == nil
}

// dropGone drops the replies to requests that no longer exist.
func (s *server) dropGone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies.dropIf(func(request string) bool {
		_, err := os.Lstat(s.path(request))
		return err != nil && !s.inFlight[request]
	})
}
