package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Each worker has a reply log of its own. A worker that takes over a request of one that has
// ended reads the log of that first: the request may have been answered, and its response removed
// since.

// replyLogDir is the directory of the reply logs of workers.
const replyLogDir = "replies"

// readLogs are the reply logs of others that were read, by the base of their names.
type readLogs struct {
	mu   sync.Mutex
	read map[string]readLog
}

// A readLog is the log of another worker as it was read last. It may have grown since: a worker that
// was suspended, or cut off, goes on with another lease.
type readLog struct {
	at    time.Time // when the reading began
	files [2]fs.FileInfo
}

// statLog returns the state of the files of a log, nil for one that is not there. They are opened
// because NFS asks its server then (close-to-open consistency).
func statLog(dir string, names [2]string) (files [2]fs.FileInfo, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return files, err
	}
	defer root.Close()
	for n, name := range names {
		err := rootfs.Retry(func() error {
			f, info, err := rootfs.OpenRegular(root, name, os.O_RDONLY)
			if err != nil {
				return err
			}
			files[n] = info
			return f.Close()
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return files, err
		}
	}
	return files, nil
}

// isSameState reports whether two states of files are the same.
func isSameState(a, b [2]fs.FileInfo) bool {
	for n := range a {
		if a[n] == nil || b[n] == nil {
			if a[n] != b[n] {
				return false
			}
			continue
		}
		if !os.SameFile(a[n], b[n]) || a[n].Size() != b[n].Size() || !a[n].ModTime().Equal(b[n].ModTime()) {
			return false
		}
	}
	return true
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

// readReplies reads the reply logs of all earlier holders of a request that was taken over, as far as
// they have grown, and reports whether a reply to it is known then. The last holder may have known the
// reply only from the log of an earlier one. [work-replies]
func (t *workers) readReplies(holders []string, w work) bool {
	s, taken := t.server, time.Now()
	t.readLogs.mu.Lock()
	defer t.readLogs.mu.Unlock()
	// The last holder first: the reply of an earlier one that was suspended may not have been published.
	for _, holder := range slices.Backward(holders) {
		base := lease.Base(holder)
		if base == t.holder.Base() || s.replies.answered(w) || t.readLogs.read[base].at.After(taken) {
			continue
		}
		if t.readLogs.read == nil || len(t.readLogs.read) >= maxIgnored {
			t.readLogs.read = map[string]readLog{}
		}
		now, names := time.Now(), logNamesOf(base)
		files, err := statLog(s.replyLog.dir, names) // before it is read: what comes later is another state
		if err != nil || !isSameState(files, t.readLogs.read[base].files) {
			s.replyLog.adopt(s.replies, names, now)
		}
		t.readLogs.read[base] = readLog{now, files}
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
