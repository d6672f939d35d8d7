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

// cleanUp removes expired pairs, responses without a request, corrupt requests and empty
// sender folders. It keeps pending requests and foreign files.
func (s *server) cleanUp() {
	if s.has("no-cleanup") {
		return
	}
	var senderDirs []string
	filepath.WalkDir(s.rpc, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && s.isAddress(entry.Name()) {
			senderDirs = append(senderDirs, name)
		}
		if err == nil && entry.Type().IsRegular() {
			s.cleanFile(name, entry)
		}
		return nil
	})
	for _, dir := range senderDirs {
		if err := s.cleanSenderDir(dir); err != nil {
			s.log.Warn("clean up sender folder failed", "err", err)
		}
	}
}

func (s *server) cleanFile(name string, entry fs.DirEntry) {
	rel, err := filepath.Rel(s.rpc, name)
	if err != nil {
		return
	}
	rel = filepath.ToSlash(rel)
	dir, base := strings.TrimSuffix(path.Dir(rel), "."), path.Base(rel)
	if file, ok := s.parsePath(dir, base); ok {
		s.cleanRequest(file)
	} else if stem, ok := strings.CutSuffix(base, responseSuffix); ok {
		if file, ok := s.parsePath(dir, stem+requestSuffix); ok {
			s.cleanResponse(file)
		}
	} else if info, err := entry.Info(); err == nil && s.removesForeign(base) && s.expired(info.ModTime()) {
		s.remove(rel)
	}
}

// cleanSenderDir removes a sender folder that holds at most a .syftkeep and has not
// changed for the cleanup expiry.
func (s *server) cleanSenderDir(dir string) error {
	if s.has("keeps-senders") {
		return nil
	}
	info, err := os.Lstat(dir)
	if err != nil || !s.expired(info.ModTime()) && !s.has("young-senders") {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		isOurs := strings.HasSuffix(entry.Name(), requestSuffix) || strings.HasSuffix(entry.Name(), responseSuffix)
		hidden := s.has("removes-hidden") && strings.HasPrefix(entry.Name(), ".")
		if entry.Name() != keepName && (isOurs || !s.has("used-senders")) && !hidden {
			return nil
		}
	}
	if s.has("used-senders") || s.has("removes-hidden") {
		return os.RemoveAll(dir)
	}
	keep := filepath.Join(dir, keepName)
	if err := os.Remove(keep); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(dir); err != nil {
		return writeNew(keep, "") // a request has arrived
	}
	return nil
}

// cleanRequest removes an expired pair, the request first: a request without a response
// would be pending.
func (s *server) cleanRequest(file requestFile) {
	response, err := os.Lstat(s.path(file.response()))
	if err != nil && s.has("removes-unanswered") && s.expired(s.created(file)) {
		s.remove(file.request())
	}
	if err != nil || !response.Mode().IsRegular() || response.Size() == 0 && !s.has("cleans-empty") {
		return
	}
	// A client may still wait for a recent response.
	if !s.expired(s.created(file)) && !s.has("eager") || !s.expired(response.ModTime()) && !s.has("cleans-fresh") {
		return
	}
	if s.has("response-first") {
		s.remove(file.response())
		s.remove(file.request())
		return
	}
	if s.remove(file.request()) {
		s.remove(file.response())
	}
}

// created returns when a request was created, or its modification time if the envelope
// does not say.
func (s *server) created(file requestFile) time.Time {
	name := s.path(file.request())
	info, err := os.Lstat(name)
	if err != nil {
		return time.Now()
	}
	data, err := s.readFile(name)
	if err != nil || s.has("cleans-by-file") {
		return info.ModTime()
	}
	if s.has("keeps-corrupt") && !json.Valid(data) {
		return time.Now()
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil && fields["created"] != nil {
		t, err := s.decoder.parseTime(fields["created"])
		if err == nil && s.has("unsigned-age") && t.After(time.Now()) {
			return time.Time{}
		}
		if err == nil && !t.After(time.Now()) {
			return t
		}
	}
	return info.ModTime()
}

// cleanResponse removes an expired response without a request.
func (s *server) cleanResponse(file requestFile) {
	if _, err := os.Lstat(s.path(file.request())); err == nil || s.has("keeps-orphans") {
		return
	}
	if info, err := os.Lstat(s.path(file.response())); err == nil && (s.expired(info.ModTime()) || s.has("any-orphan")) {
		s.remove(file.response())
	}
}

// expired reports whether a time is longer ago than the cleanup expiry.
func (s *server) expired(t time.Time) bool { return time.Since(t) > s.cleanupExpiry }

func (s *server) remove(name string) bool {
	err := os.Remove(s.path(name))
	if err != nil {
		s.log.Warn("remove failed", "err", err)
	}
	return err == nil
}
