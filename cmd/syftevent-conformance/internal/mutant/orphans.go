package mutant

import (
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

var (
	conflictStem = regexp.MustCompile(`^(.+)\.conflict(\.[0-9]+)?$`)
	rejectedStem = regexp.MustCompile(`^(.+)\.rejected(\.[0-9]+)?$`)
)

// An orphanTracker knows since when files are orphans, by path. Only the polling
// goroutine uses it.
type orphanTracker struct {
	since map[string]time.Time // as of the last scan
	next  map[string]time.Time // as of the scan that runs
}

func (t *orphanTracker) begin() { t.next = map[string]time.Time{} }
func (t *orphanTracker) end()   { t.since = t.next }

// requestOf returns the name of the request that a response or a file with a conflict
// marker belongs to. It reports false for files that are never orphans.
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
	if m := conflictStem.FindStringSubmatch(stem); m != nil {
		return m[1] + requestSuffix, !s.has("keeps-conflicts") && !(s.has("keeps-timed-conflicts") && m[2] != "")
	}
	if m := rejectedStem.FindStringSubmatch(stem); m != nil {
		return m[1] + requestSuffix, s.has("removes-rejected")
	}
	return stem + requestSuffix, isResponse && !s.has("keeps-lone")
}

// checkOrphan removes a file that has been an orphan for the orphan delay.
func (s *server) checkOrphan(dir string, entry os.DirEntry) {
	request, ok := s.requestOf(entry.Name())
	if !ok || !entry.Type().IsRegular() || s.orphanDelay <= 0 {
		return
	}
	name := path.Join(dir, entry.Name())
	since, known := s.orphans.since[name]
	if _, err := os.Lstat(s.path(path.Join(dir, request))); err == nil {
		if known && s.has("counts-on") {
			s.orphans.next[name] = since
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
	s.orphans.next[name] = since
}
