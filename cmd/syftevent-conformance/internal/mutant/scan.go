package mutant

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

const (
	requestSuffix  = ".request"
	responseSuffix = ".response"
)

// A requestFile is what the path of a request says.
type requestFile struct {
	dir      string // below rpc, slash-separated
	name     string // of the file
	stem     string // the name without its suffix
	endpoint string // without a leading slash
	sender   string // "" in the legacy layout
}

func (f requestFile) request() string  { return f.dir + "/" + f.name }
func (f requestFile) response() string { return f.dir + "/" + f.stem + responseSuffix }

var (
	// addressForm matches a name that looks like an address.
	addressForm = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)
	// markedStem matches a stem with one of SyftBox's markers, with or without a
	// timestamp; oldMarkedStem one with a marker of old clients.
	markedStem    = regexp.MustCompile(`\.(rejected|conflict)(\.[0-9]+)?$`)
	oldMarkedStem = regexp.MustCompile(`\.(syftrejected|syftconflict)(\.[0-9]+)?$`)
)

// isMarked reports whether SyftBox has renamed a request because it was rejected or in
// conflict.
func (s *server) isMarked(stem string) bool {
	switch {
	case s.has("markers"):
		return oldMarkedStem.MatchString(stem)
	case s.has("old-markers"):
		return markedStem.MatchString(stem)
	case s.has("timed-markers") && markedStem.MatchString(stem):
		return strings.HasSuffix(stem, "ed") || strings.HasSuffix(stem, "ct")
	}
	return markedStem.MatchString(stem) || oldMarkedStem.MatchString(stem)
}

// maxDepth limits the recursion of a scan.
const maxDepth = 32

// scan lists the tree and dispatches its pending requests.
func (s *server) scan() {
	s.beginScan()
	s.orphans.begin()
	depth := maxDepth
	if s.has("five-levels") {
		depth = 5
	}
	s.scanDir("", depth)
	s.orphans.end()
	if s.has("forgets-gone") {
		s.dropGone()
	}
}

// scanDir scans a directory. An error on one directory does not stop the scan of the
// others.
func (s *server) scanDir(dir string, depth int) {
	entries, err := s.list(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("list directory failed", "err", err)
	}
	s.noteFirstSeen(dir)
	for _, entry := range entries {
		s.applyEntryDefect(dir, entry)
		switch {
		case (entry.IsDir() || s.has("follows-folders") && s.leadsToFolder(dir, entry)) && depth > 0: // false for symbolic links
			s.scanDir(path.Join(dir, entry.Name()), depth-1)
		case entry.Type().IsRegular() || s.has("follow-links") && entry.Type()&fs.ModeSymlink != 0:
			if file, ok := s.parsePath(dir, entry.Name()); ok {
				s.dispatch(file)
			}
			s.checkOrphan(dir, entry)
		}
	}
}

func (s *server) noteFirstSeen(dir string) {
	s.mu.Lock()
	_, known := s.firstSeen[dir]
	if !known {
		s.firstSeen[dir] = time.Now()
	}
	s.mu.Unlock()
	if s.has("leaks-folders") && !known {
		s.leakHandle(dir)
	}
}

func (s *server) list(dir string) ([]os.DirEntry, error) {
	switch {
	case s.has("old-folders") || s.has("old-root") && dir == "":
		return s.listByOldHandle(dir)
	case s.has("lists-1024"):
		return s.listSome(dir)
	case s.has("cached-senders"):
		return s.listCached(dir)
	}
	return os.ReadDir(s.path(dir))
}

// parsePath splits the path of a request. It reports false for any other file.
func (s *server) parsePath(dir, name string) (requestFile, bool) {
	stem, ok := strings.CutSuffix(name, requestSuffix)
	if s.has("temporary-names") {
		stem, _, ok = strings.Cut(name, requestSuffix)
	}
	if !ok || stem == "" || strings.HasPrefix(stem, ".") && !s.has("hidden-requests") || s.isMarked(stem) {
		return requestFile{}, false
	}
	senderDir := dir
	if s.has("deeper") {
		senderDir = senderDirAbove(dir)
	}
	endpoint, last := path.Split(senderDir)
	endpoint = strings.TrimSuffix(endpoint, "/")
	if addressForm.MatchString(last) {
		return requestFile{dir, name, stem, endpoint, last}, endpoint != "" && s.isAddress(last)
	}
	// The legacy layout has no sender folders: only a directory that is an endpoint
	// holds requests.
	_, _, known := s.router.find(dir, "")
	return requestFile{dir, name, stem, dir, ""}, known && !s.has("older-silent")
}

// dispatch starts a worker for a request unless it is in flight or answered.
func (s *server) dispatch(file requestFile) {
	if s.ignores(file) {
		return
	}
	name := file.request()
	if s.has("again-while-running") {
		name += s.version(file)
	}
	s.mu.Lock()
	taken := s.inFlight[name]
	s.inFlight[name] = true
	s.mu.Unlock()
	if taken && !s.overdue(name) {
		return
	}
	done := func() {
		s.mu.Lock()
		delete(s.inFlight, name)
		s.mu.Unlock()
	}
	// The response may have appeared after the listing.
	if s.answered(file) {
		done()
		return
	}
	if s.has("one-at-a-time") {
		s.process(file)
		done()
		return
	}
	s.workers.Go(func() {
		if s.queues() {
			s.processInTurn(file, done)
			return
		}
		defer done()
		s.process(file)
	})
}

// answered reports whether a request has a response. It removes files that block the
// name of the response.
func (s *server) answered(file requestFile) bool {
	name := s.path(file.response())
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		s.log.Warn("stat response failed", "err", err)
		return true // nothing can be published now
	case info.Mode().IsRegular() && info.Size() > 0:
		s.replies.found(file)
		return !s.removesResponse(file)
	case info.Mode().IsRegular() && (s.has("empty-counts") || s.has("late-empty-counts") && info.ModTime().After(s.started)):
		return true
	case !info.Mode().IsRegular() && s.has("through-links"):
		return false
	case info.Mode().IsRegular() && !s.incomplete.settled(file.response(), nil, time.Now()):
		return true
	}
	s.incomplete.drop(file.response())
	err = os.Remove(name) // fails for a directory that is not empty
	if err != nil && s.has("shared-limit") {
		s.noteBlocked(file)
	}
	return err != nil
}
