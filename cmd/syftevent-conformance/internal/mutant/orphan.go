package mutant

import (
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

// conflicted is the stem of a file that SyftBox has renamed because of a conflict, and
// rejected of one that it has rejected.
var (
	conflicted = regexp.MustCompile(`^(.+)\.conflict(\.[0-9]+)?$`)
	rejected   = regexp.MustCompile(`^(.+)\.rejected(\.[0-9]+)?$`)
)

// requestOf returns the name of the request to which a file belongs that may be an
// orphan: a response, or what SyftBox renamed because of a conflict.
func (s *server) requestOf(name string) (request string, ok bool) {
	stem, isResponse := strings.CutSuffix(name, responseSuffix)
	if !isResponse {
		if stem, ok = strings.CutSuffix(name, requestSuffix); !ok {
			return "", false
		}
	}
	if strings.HasPrefix(stem, ".") {
		return "", false
	}
	if m := conflicted.FindStringSubmatch(stem); m != nil {
		return m[1] + requestSuffix, !s.has("keeps-conflicts")
	}
	if m := rejected.FindStringSubmatch(stem); m != nil {
		return m[1] + requestSuffix, s.has("removes-rejected")
	}
	return stem + requestSuffix, isResponse && !s.has("keeps-lone")
}

// lookAtOrphan removes a file that has been an orphan for long enough. Only the
// goroutine that looks for requests calls it.
func (s *server) lookAtOrphan(folder string, entry os.DirEntry) {
	request, ok := s.requestOf(entry.Name())
	if !ok || !entry.Type().IsRegular() || s.orphanDelay <= 0 {
		return
	}
	name := path.Join(folder, entry.Name())
	since, known := s.orphans[name]
	if _, err := os.Lstat(s.path(path.Join(folder, request))); err == nil {
		if known && s.has("counts-on") {
			s.stillOrphans[name] = since
		}
		return
	}
	if !known {
		since = time.Now()
	}
	if info, err := entry.Info(); err == nil && s.has("lone-by-file") {
		since = info.ModTime()
	}
	if time.Since(since) >= s.orphanDelay || s.has("lone-at-once") {
		s.remove(name)
		return
	}
	s.stillOrphans[name] = since
}
