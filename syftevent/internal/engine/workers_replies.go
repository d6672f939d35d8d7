package engine

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// Each worker has a reply log of its own. A worker that takes over a request of one that has
// ended reads the log of that first: the request may have been answered, and its response removed
// since.

// replyLogDir is the directory of the reply logs of workers.
const replyLogDir = "replies"

// rereadAfter is the time after which a log is read again: its worker may have been cut off only.
const rereadAfter = 30 * time.Second

// readLogs are the reply logs of others that were read, by the base of their names.
type readLogs struct {
	mu   sync.Mutex
	read map[string]time.Time
}

// newReplyLog returns the reply log of this server.
func (s *Server) newReplyLog() *replyLog {
	app := filepath.Dir(s.options.Dir)
	l := &replyLog{dir: app, names: replyLogNames, logger: s.logger}
	shared := filepath.Join(app, protocol.WorkersName, replyLogDir)
	if s.workers == nil || !s.workers.shared {
		l.earlier, l.merge = logsIn(shared), true // of workers that have ended: this server is alone
		return l
	}
	for _, name := range replyLogNames {
		l.earlier = append(l.earlier, filepath.Join(app, name)) // of a server that was alone
	}
	l.dir, l.names = shared, logNamesOf(s.workers.holder.Base())
	if err := os.Mkdir(shared, 0o755); err != nil && !os.IsExist(err) {
		s.logger.Warn("syftevent: creating folder of reply logs failed", "path", shared, "err", err)
	}
	return l
}

func logNamesOf(base string) [2]string { return [2]string{base + "-0.tmp", base + "-1.tmp"} }

// baseOfLog returns the base of the name of a worker from the name of its log.
func baseOfLog(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, "-0.tmp"), "-1.tmp")
}

func logsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, entry := range entries {
		paths = append(paths, filepath.Join(dir, entry.Name()))
	}
	return paths
}

// readReplies reads the reply logs of workers that have ended, each once, and reports whether a
// reply to a request is known then.
func (t *workers) readReplies(holders []string, w work) bool {
	s := t.server
	t.readLogs.mu.Lock()
	defer t.readLogs.mu.Unlock()
	for _, holder := range holders {
		base := lease.Base(holder)
		now := time.Now()
		if last, known := t.readLogs.read[base]; base == t.holder.Base() || known && now.Sub(last) < rereadAfter {
			continue
		}
		if t.readLogs.read == nil || len(t.readLogs.read) >= maxIgnored {
			t.readLogs.read = map[string]time.Time{}
		}
		t.readLogs.read[base] = now
		var paths []string
		for _, name := range logNamesOf(base) {
			paths = append(paths, filepath.Join(s.replyLog.dir, name))
		}
		s.replyLog.adopt(s.replies, paths, now)
	}
	return s.replies.answered(w)
}

// sweepReplyLogs removes the reply logs of workers that have ended long ago. Here the times of
// files suffice: a log that is used is at most as old as its oldest reply.
func (t *workers) sweepReplyLogs(now time.Time) {
	paths := logsIn(filepath.Join(string(t.dir), replyLogDir))
	for _, name := range replyLogNames {
		paths = append(paths, filepath.Join(filepath.Dir(string(t.dir)), name))
	}
	for _, path := range paths {
		info, err := os.Lstat(path)
		base := baseOfLog(filepath.Base(path))
		if err != nil || base == t.holder.Base() || now.Sub(info.ModTime()) < 2*publishedFor {
			continue
		}
		if o, known := t.observer.Find(base); !known || !o.Alive {
			os.Remove(path)
		}
	}
}
