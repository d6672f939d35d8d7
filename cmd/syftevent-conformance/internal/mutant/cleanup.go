package mutant

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// cleanUp removes what is older than the expiry: pairs, responses without a
// request, requests that cannot be read, and the folders of senders that are empty. A
// request without an answer stays, and
// so does whatever is no file of the protocol.
func (s *server) cleanUp() {
	if s.has("no-cleanup") {
		return
	}
	var senders []string
	filepath.WalkDir(s.rpc, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && addressForm.MatchString(entry.Name()) {
			senders = append(senders, name)
		}
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(s.rpc, name)
		if err != nil {
			return nil
		}
		rel = filepath.ToSlash(rel)
		folder, file := strings.TrimSuffix(path.Dir(rel), "."), path.Base(rel)
		if p, ok := s.place(folder, file); ok {
			s.cleanRequest(p)
		} else if stem, ok := strings.CutSuffix(file, responseSuffix); ok {
			if p, ok := s.place(folder, stem+requestSuffix); ok {
				s.cleanOrphan(p)
			}
		} else if info, err := entry.Info(); err == nil && s.has("removes-foreign") && s.old(info.ModTime()) {
			s.remove(rel)
		}
		return nil
	})
	for _, folder := range senders {
		if err := s.cleanSender(folder); err != nil {
			s.log.Printf("cleaning up: %v", err)
		}
	}
}

// cleanSender removes the folder of a sender if it holds nothing but a .syftkeep, and
// was changed last before the expiry.
func (s *server) cleanSender(folder string) error {
	if s.has("keeps-senders") {
		return nil
	}
	info, err := os.Lstat(folder)
	if err != nil || !s.old(info.ModTime()) && !s.has("young-senders") {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		isPart := strings.HasSuffix(entry.Name(), requestSuffix) || strings.HasSuffix(entry.Name(), responseSuffix)
		if entry.Name() != keepName && (isPart || !s.has("used-senders")) {
			return nil
		}
	}
	if s.has("used-senders") {
		return os.RemoveAll(folder)
	}
	keep := filepath.Join(folder, keepName)
	if err := os.Remove(keep); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(folder); err != nil {
		return writeNew(keep, "") // a request has arrived
	}
	return nil
}

// cleanRequest removes a pair that is old: the request first, so that it never
// stands without its answer.
func (s *server) cleanRequest(p place) {
	response, err := os.Lstat(s.path(p.response()))
	if err != nil && s.has("removes-unanswered") && s.old(s.created(p)) {
		s.remove(p.request())
	}
	if err != nil || !response.Mode().IsRegular() || response.Size() == 0 {
		return
	}
	if !s.old(s.created(p)) && !s.has("eager") || !s.old(response.ModTime()) {
		return // not old, or answered a moment ago: somebody waits for it
	}
	if s.has("response-first") {
		s.remove(p.response())
		s.remove(p.request())
		return
	}
	if s.remove(p.request()) {
		s.remove(p.response())
	}
}

// created is when a request was made, by what it says or else by the time of its
// file.
func (s *server) created(p place) time.Time {
	name := s.path(p.request())
	info, err := os.Lstat(name)
	if err != nil {
		return time.Now()
	}
	data, err := s.readFile(name)
	if err != nil {
		return info.ModTime()
	}
	if s.has("keeps-corrupt") && !json.Valid(data) {
		return time.Now()
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil && fields["created"] != nil {
		if t, err := s.parseTime(fields["created"]); err == nil && !t.After(time.Now()) {
			return t
		}
	}
	return info.ModTime()
}

// cleanOrphan removes a response that is old and stands alone.
func (s *server) cleanOrphan(p place) {
	if _, err := os.Lstat(s.path(p.request())); err == nil || s.has("keeps-orphans") {
		return
	}
	if info, err := os.Lstat(s.path(p.response())); err == nil && (s.old(info.ModTime()) || s.has("any-orphan")) {
		s.remove(p.response())
	}
}

func (s *server) old(t time.Time) bool { return time.Since(t) > s.cleanupExpiry }

func (s *server) remove(name string) bool {
	err := os.Remove(s.path(name))
	if err != nil {
		s.log.Printf("cleaning up: %v", err)
	}
	return err == nil
}
