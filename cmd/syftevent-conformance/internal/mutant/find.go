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
	stem     string
	endpoint string // without a slash in front
	sender   string // "" in the older layout
}

func (p place) request() string  { return p.folder + "/" + p.stem + requestSuffix }
func (p place) response() string { return p.folder + "/" + p.stem + responseSuffix }

var (
	// addressForm is what a folder of a sender looks like.
	addressForm = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)
	// marked is a stem to which SyftBox has put a marker, with or without a time.
	marked = regexp.MustCompile(`\.(rejected|conflict|syftrejected|syftconflict)(\.[0-9]+)?$`)
)

// deepest is how many folders may lie within each other.
const deepest = 32

// look lists the tree and begins what is to be done.
func (s *server) look() { s.lookInto("", deepest) }

// lookInto looks into a folder. One that has gone, or cannot be read, keeps nobody
// from looking into the others.
func (s *server) lookInto(folder string, deeper int) {
	entries, err := os.ReadDir(s.path(folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Printf("looking into a folder: %v", err)
	}
	s.meet(folder)
	for _, entry := range entries {
		switch {
		case entry.IsDir() && deeper > 0: // links are none
			s.lookInto(path.Join(folder, entry.Name()), deeper-1)
		case entry.Type().IsRegular():
			if p, ok := s.place(folder, entry.Name()); ok {
				s.begin(p)
			}
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

// place says whose a file is, if it has the name of a request.
func (s *server) place(folder, name string) (place, bool) {
	stem, ok := strings.CutSuffix(name, requestSuffix)
	if !ok || stem == "" || strings.HasPrefix(stem, ".") || marked.MatchString(stem) {
		return place{}, false
	}
	endpoint, last := path.Split(folder)
	endpoint = strings.TrimSuffix(endpoint, "/")
	if addressForm.MatchString(last) {
		return place{folder, stem, endpoint, last}, endpoint != ""
	}
	// The older layout knows no senders, so that only an endpoint tells that a
	// file is a request.
	_, _, known := s.route(folder, "")
	return place{folder, stem, folder, ""}, known
}

// begin gives a request to a goroutine of its own, unless it has one, or is
// answered.
func (s *server) begin(p place) {
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
		return true
	case info.Mode().IsRegular() && !s.settled(p.response(), nil):
		return true
	}
	s.forget(p.response())
	// A folder with something in it stays.
	return os.Remove(name) != nil
}
