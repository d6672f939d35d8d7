package mutant

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// wrong is what defects remember.
type wrong struct {
	ignored map[string]bool     // requests that are passed over, by their paths
	seen    map[string]bool     // all requests that were seen
	handles map[string]*os.File // of folders
	kept    map[string]bool     // folders of senders that have got a .syftkeep
	blocked map[string]bool     // requests whose responses have no name
	fields  []any               // what was decoded
	started time.Time

	unrecorded []byte // lines of the record of answers
}

const (
	// wrongPause is how long something wrong lasts: long enough to be seen.
	wrongPause = 200 * time.Millisecond
	// tableSize is how many requests a server with a full table knows.
	tableSize = 300
	// blockedSize is how many requests without a response a server with a limit for all
	// has room for.
	blockedSize = 8
	// blockSize is how much is written at a time by who writes in place.
	blockSize = 64 << 10
	// beginnings is the file of who writes down what was begun. SyftBox passes over
	// it.
	beginnings = "../mutant-begun.tmp"
)

// die ends the process as an error that nobody handles does.
func (s *server) die(why string) {
	s.log.Printf("fatal: %s", why)
	os.Exit(9)
}

// startWrong does what defects do before the server is ready.
func (s *server) startWrong() error {
	s.started = time.Now()
	switch s.defect {
	case "only-new":
		s.eachRequest(s.ignore)
	case "removes-waiting":
		s.eachRequest(func(p place) {
			if s.cleanupExpiry > 0 && s.old(s.created(p)) && !s.answered(p) {
				s.remove(p.request())
			}
		})
	case "start-gap":
		waiting := map[string]bool{}
		s.eachRequest(func(p place) { waiting[p.request()] = true })
		s.look()
		s.work.Wait()
		s.eachRequest(func(p place) {
			if !waiting[p.request()] {
				s.ignore(p)
			}
		})
	case "garbage-start":
		s.eachRequest(func(p place) {
			if data, err := os.ReadFile(s.path(p.request())); err == nil && !json.Valid(data) {
				s.die("a request is no JSON")
			}
		})
	case "start-again":
		s.eachRequest(func(p place) {
			if data, err := s.read(p); err == nil && s.answered(p) {
				s.respond(p, data, nil)
			}
		})
	case "remembers-begun":
		data, err := os.ReadFile(s.path(beginnings))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading what was begun: %w", err)
		}
		for name := range strings.Lines(string(data)) {
			s.ignored[strings.TrimSpace(name)] = true
		}
		return s.noteBegun("")
	}
	return nil
}

// eachRequest calls a function for each file with the name of a request.
func (s *server) eachRequest(do func(place)) {
	fs.WalkDir(os.DirFS(s.rpc), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if p, ok := s.place(path.Dir(name), path.Base(name)); ok {
			do(p)
		}
		return nil
	})
}

// ignore lets a request be passed over for ever.
func (s *server) ignore(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ignored[p.request()] = true
}

func (s *server) noteBegun(name string) error {
	f, err := os.OpenFile(s.path(beginnings), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("noting what was begun: %w", err)
	}
	_, err = f.WriteString(name + "\n")
	return errors.Join(err, f.Close())
}

var plainAddress = regexp.MustCompile(`^[a-z0-9.]+@[a-z0-9.]+$`)

// passesOver reports whether a defect keeps the server from a request.
func (s *server) passesOver(p place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := p.request()
	if s.ignored[name] {
		return true
	}
	first := !s.seen[name]
	s.seen[name] = true
	switch s.defect {
	case "shared-limit":
		return len(s.blocked) >= blockedSize
	case "plain-senders":
		return p.sender != "" && !plainAddress.MatchString(p.sender)
	case "table-full":
		if first {
			s.ignored[name] = len(s.seen) > tableSize
		}
	case "private-only":
		info, err := os.Lstat(s.path(name))
		return err == nil && info.Mode().Perm()&0o044 != 0
	case "past-files", "future-files":
		info, err := os.Lstat(s.path(name))
		return err == nil && (s.has("past-files") && s.started.Sub(info.ModTime()) > time.Hour ||
			s.has("future-files") && time.Until(info.ModTime()) > time.Hour)
	case "remembers-begun":
		if first {
			s.noteBegun(name)
		}
	}
	return s.ignored[name]
}

// noteBlocked notes a request whose response has no name.
func (s *server) noteBlocked(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked[p.request()] = true
}

// stumbles does what defects do with that which is no file.
func (s *server) stumbles(folder string, entry os.DirEntry) bool {
	if !strings.HasSuffix(entry.Name(), requestSuffix) {
		return false
	}
	if s.has("folder-dies") && entry.IsDir() {
		s.die("a request is a folder")
	}
	if s.has("opens-fifo") && entry.Type()&fs.ModeNamedPipe != 0 {
		os.ReadFile(s.path(path.Join(folder, entry.Name()))) // which waits for a writer
	}
	return false
}

// listKept lists a folder by the handle that it was opened with first.
func (s *server) listKept(folder string) ([]os.DirEntry, error) {
	f := s.handles[folder]
	if f == nil {
		var err error
		if f, err = os.Open(s.path(folder)); err != nil {
			return nil, err
		}
		s.handles[folder] = f
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return f.ReadDir(-1)
}

// shallower is the folder of the sender above a folder, or the folder itself.
func (s *server) shallower(folder string) string {
	segments := strings.Split(folder, "/")
	for i := len(segments); i > 1; i-- {
		if addressForm.MatchString(segments[i-1]) {
			return strings.Join(segments[:i], "/")
		}
	}
	return folder
}

// answersAnew reports whether a defect runs a request that is answered, and
// removes the answer.
func (s *server) answersAnew(p place) bool {
	if !s.has("redelivered") {
		return false
	}
	info, err := os.Lstat(s.path(p.request()))
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.memory[p.request()]
	if err != nil || a == nil || !a.at.Before(info.ModTime()) || info.ModTime().After(time.Now()) {
		return false
	}
	delete(s.memory, p.request())
	return os.Remove(s.path(p.response())) == nil
}

// forgetGone forgets the answers to requests that do not stand.
func (s *server) forgetGone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.memory {
		if _, err := os.Lstat(s.path(name)); err != nil && !s.flying[name] {
			delete(s.memory, name)
		}
	}
}

// final is where a response is published, below rpc: beside its request.
func (s *server) final(p place, req *request) string {
	name := p.response()
	switch {
	case s.has("one-up"):
		name = path.Join(path.Dir(p.folder), p.stem+responseSuffix)
	case s.has("sender-path") && p.sender != "" && req.sender != "":
		name = path.Join(path.Dir(p.folder), req.sender, p.stem+responseSuffix)
	case s.has("older-moves") && p.sender == "" && req.sender != "":
		name = path.Join(p.folder, req.sender, p.stem+responseSuffix)
	case s.has("id-path") && req.id != "":
		name = path.Join(p.folder, req.id+responseSuffix)
	case s.has("url-endpoint"):
		_, endpoint, found := strings.Cut(bareURL(req.url), "/rpc/")
		if found && !strings.Contains(endpoint, "..") {
			name = path.Join(endpoint, p.sender, p.stem+responseSuffix)
		}
	case s.has("url-path"):
		// Four folders up are the datasites.
		name = path.Join("../../../..", strings.TrimPrefix(bareURL(req.url), "syft://"), p.sender, p.stem+responseSuffix)
	}
	if name != p.response() {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			s.log.Printf("making a folder for a response: %v", err)
		}
	}
	return name
}

// above is the endpoint above an endpoint, or if there is none the endpoint itself.
func (s *server) above(endpoint string) string {
	above := path.Dir(endpoint)
	if slices.ContainsFunc(s.routes, func(r route) bool { return r.pattern == above }) {
		return above
	}
	return endpoint
}

// wasKept reports whether the folder of a sender has got a .syftkeep before.
func (s *server) wasKept(folder string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.kept[folder]
	s.kept[folder] = true
	return was
}

func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// publishInPlace writes a file where everybody sees it, in pieces.
func (s *server) publishInPlace(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("making a response: %w", err)
	}
	defer f.Close()
	for i, block := range slices.Collect(slices.Chunk(data, blockSize)) {
		if i == 1 {
			time.Sleep(wrongPause)
		}
		if _, err := f.Write(block); err != nil {
			return fmt.Errorf("writing a response: %w", err)
		}
	}
	return nil
}

// isFirst reports whether the response to a request was not published before.
func (s *server) isFirst(p place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.memory[p.request()]
	return a == nil || a.published == 0
}

// rewriteLater publishes a response again, a little different.
func (s *server) rewriteLater(name string, data []byte) {
	s.work.Go(func() {
		time.Sleep(wrongPause)
		if _, err := os.Lstat(name); err != nil {
			return
		}
		temporary := name + "." + rand.Text() + ".tmp"
		if err := os.WriteFile(temporary, append(slices.Clone(data), '\n'), 0o644); err != nil {
			s.log.Printf("writing a response anew: %v", err)
		}
		if err := os.Rename(temporary, name); err != nil {
			s.log.Printf("publishing a response anew: %v", err)
		}
	})
}
