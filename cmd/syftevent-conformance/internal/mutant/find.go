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

// A place is where a request lies.
type place struct {
	folder   string // below rpc, with slashes
	name     string // of the file
	stem     string
	endpoint string // without a slash in front
	sender   string // "" in the older layout
}

func (p place) request() string  { return p.folder + "/" + p.name }
func (p place) response() string { return p.folder + "/" + p.stem + responseSuffix }

var (
	// addressForm is what a folder of a sender looks like.
	addressForm = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)
	// marked is a stem to which SyftBox has put a marker, with or without a time, and
	// markedOld one with a marker of older clients.
	marked    = regexp.MustCompile(`\.(rejected|conflict)(\.[0-9]+)?$`)
	markedOld = regexp.MustCompile(`\.(syftrejected|syftconflict)(\.[0-9]+)?$`)
)

// isMarked reports whether SyftBox has refused a request, or found it in conflict.
func (s *server) isMarked(stem string) bool {
	switch {
	case s.has("markers"):
		return markedOld.MatchString(stem)
	case s.has("old-markers"):
		return marked.MatchString(stem)
	case s.has("timed-markers") && marked.MatchString(stem):
		return strings.HasSuffix(stem, "ed") || strings.HasSuffix(stem, "ct")
	}
	return marked.MatchString(stem) || markedOld.MatchString(stem)
}

// deepest is how many folders may lie within each other.
const deepest = 32

// look lists the tree and begins what is to be done.
func (s *server) look() {
	s.stillOrphans = map[string]time.Time{}
	s.lookInto("", deepest)
	s.orphans = s.stillOrphans
	if s.has("forgets-gone") {
		s.forgetGone()
	}
}

// lookInto looks into a folder. One that has gone, or cannot be read, keeps nobody
// from looking into the others.
func (s *server) lookInto(folder string, deeper int) {
	entries, err := s.list(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Printf("looking into a folder: %v", err)
	}
	s.meet(folder)
	for _, entry := range entries {
		switch {
		case s.stumbles(folder, entry):
		case entry.IsDir() && deeper > 0: // links are none
			s.lookInto(path.Join(folder, entry.Name()), deeper-1)
		case entry.Type().IsRegular() || s.has("follow-links") && entry.Type()&fs.ModeSymlink != 0:
			if p, ok := s.place(folder, entry.Name()); ok {
				s.begin(p)
			}
			s.lookAtOrphan(folder, entry)
		}
	}
}

// meet notes when a folder was seen first.
func (s *server) meet(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.folders[folder]; !known {
		s.folders[folder] = time.Now()
	}
}

// list lists a folder.
func (s *server) list(folder string) ([]os.DirEntry, error) {
	if s.has("old-folders") || s.has("old-root") && folder == "" {
		return s.listKept(folder)
	}
	return os.ReadDir(s.path(folder))
}

// place says whose a file is, if it has the name of a request.
func (s *server) place(folder, name string) (place, bool) {
	stem, ok := strings.CutSuffix(name, requestSuffix)
	if s.has("temporary-names") {
		stem, _, ok = strings.Cut(name, requestSuffix)
	}
	if !ok || stem == "" || strings.HasPrefix(stem, ".") || s.isMarked(stem) {
		return place{}, false
	}
	senders := folder
	if s.has("deeper") {
		senders = s.shallower(folder)
	}
	endpoint, last := path.Split(senders)
	endpoint = strings.TrimSuffix(endpoint, "/")
	if addressForm.MatchString(last) {
		return place{folder, name, stem, endpoint, last}, endpoint != ""
	}
	// The older layout knows no senders, so that only an endpoint tells that a
	// file is a request.
	_, _, known := s.route(folder, "")
	return place{folder, name, stem, folder, ""}, known && !s.has("older-silent")
}

// begin gives a request to a goroutine of its own, unless it has one, or is
// answered.
func (s *server) begin(p place) {
	if s.passesOver(p) {
		return
	}
	name := p.request()
	s.mu.Lock()
	taken := s.flying[name]
	s.flying[name] = true
	s.mu.Unlock()
	if taken {
		return
	}
	done := func() {
		s.mu.Lock()
		delete(s.flying, name)
		s.mu.Unlock()
	}
	// Looked at now and not in the listing, since when it may have been answered.
	if s.answered(p) {
		done()
		return
	}
	if s.has("one-at-a-time") {
		s.serve(p)
		done()
		return
	}
	s.work.Go(func() {
		defer done()
		s.serve(p)
	})
}

// answered reports whether a response stands beside a request, and removes what
// only looks like one.
func (s *server) answered(p place) bool {
	name := s.path(p.response())
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		s.log.Printf("looking for a response: %v", err)
		return true // nothing can be published now
	case info.Mode().IsRegular() && info.Size() > 0:
		s.standing(p)
		return !s.answersAnew(p)
	case info.Mode().IsRegular() && (s.has("empty-counts") || s.has("late-empty-counts") && info.ModTime().After(s.started)):
		return true
	case !info.Mode().IsRegular() && s.has("through-links"):
		return false
	case info.Mode().IsRegular() && !s.settled(p.response(), nil):
		return true
	}
	s.forget(p.response())
	// A folder with something in it stays.
	err = os.Remove(name)
	if err != nil && s.has("shared-limit") {
		s.noteBlocked(p)
	}
	return err != nil
}
