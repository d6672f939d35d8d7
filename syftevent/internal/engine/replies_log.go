package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A replyLog is the reply cache on disk. SyftBox may delete a response before its
// request, because the client collected both or because it lost the upload. A server
// that restarts in between must not run such a request again. [proc-restart]
//
// The log is two files beside the app's lock. Each reply is appended to the current one,
// as a line of JSON, before it is published. When that file is full or a day old, the
// other one is replaced and becomes current. Together they hold the replies of the last
// day, or as many as fit. The files are not synced: the log survives the death of the
// process, not of the machine.
//
// The log also holds the requests that were begun and not answered, for
// replies_attempts.go.
type replyLog struct {
	dir     string
	names   [2]string // of its files
	earlier []string  // files of other logs that restore reads
	merge   bool      // restore removes them
	logger  *slog.Logger

	mu            sync.Mutex
	current       int      // index in names
	file          *os.File // nil before the first reply, and after a failure
	size          int64
	started       time.Time // when the file was, or the time of its first reply
	failing       bool      // the last write failed, which was logged
	closed        bool
	sizes         map[string]int64         // of the replies in the file, by sender
	begunRequests map[contentKey]*attempts // begun and not answered
	reports       []logReport              // to be logged when mu is unlocked
}

// A logReport is a failure to be logged.
type logReport struct {
	message, path string
	err           error
}

// replyLogNames are the files of the reply log of a server that does not share its work. SyftBox
// does not sync *.tmp files.
var replyLogNames = [2]string{".syftevent-replies-0.tmp", ".syftevent-replies-1.tmp"}

const (
	// maxReplyLogSize is the size in bytes of a full file.
	maxReplyLogSize = maxPublishedSize / 2
	// maxLoggedReply is the size in bytes of the largest reply that is logged. Of a
	// larger one the log only says that it was published.
	maxLoggedReply = maxReplyLogSize / 2
	// maxLoggedReplies bounds the bytes of one sender's replies in a file, so that it
	// cannot displace those of others. Beyond it, its replies are logged without data.
	maxLoggedReplies = maxReplyLogSize / 4
)

// A loggedReply is a line of the log.
type loggedReply struct {
	At      time.Time `json:"at"`
	Dir     string    `json:"dir"`
	Stem    string    `json:"stem"`
	Request string    `json:"request"` // SHA-256 of its bytes, in hexadecimal
	// Response is the content of the response file, absent if it was too large.
	Response json.RawMessage `json:"response,omitempty"`
	// Published makes the line one about an earlier one: that reply was published. Only workers
	// write it. A reply without it was not published if its worker was killed.
	Published bool `json:"published,omitempty"`
	// Begun, if not nil, makes the line that of a request without a reply: it is the
	// number of processes that have begun the request, or 0 when it was abandoned.
	Begun *int `json:"begun,omitempty"`
}

// key returns the request that the line is about; ok is false for an invalid line.
func (r *loggedReply) key() (key contentKey, ok bool) {
	sum, err := hex.DecodeString(r.Request)
	if err != nil || len(sum) != sha256.Size {
		return key, false
	}
	return contentKey{entry{Dir: r.Dir, Stem: r.Stem}, [sha256.Size]byte(sum)}, true
}

// restore fills the reply cache with the replies of earlier processes, and starts the
// log with them. What it cannot read it reports and drops.
func (l *replyLog) restore(c *replyCache, now time.Time) {
	l.mu.Lock()
	defer l.unlock()
	var replies, begun []loggedReply
	answered := map[contentKey]bool{}
	paths := l.earlier
	for _, name := range l.names {
		paths = append(paths, filepath.Join(l.dir, name))
	}
	for _, r := range l.readAll(paths, now) {
		key, ok := r.key()
		switch {
		case ok && r.Begun != nil:
			begun = append(begun, r)
		case ok && r.Published:
		case ok:
			answered[key] = true
			c.restore(work{entry: key.entry, sum: key.sum}, r.Response, now.Add(-now.Sub(r.At)))
			replies = append(replies, r)
		}
	}
	l.restoreBegun(begun, answered)
	if err := l.startFile(0, append(replies, l.unanswered(now)...), now); err != nil {
		l.fail(err)
		return
	}
	old := []string{filepath.Join(l.dir, l.names[1])}
	if l.merge {
		old = append(old, l.earlier...)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.report("syftevent: removing old reply log failed", path, err)
		}
	}
}

// adopt adds to the reply cache what another process has logged in files beside its own.
func (l *replyLog) adopt(c *replyCache, names [2]string, now time.Time) {
	l.mu.Lock()
	defer l.unlock()
	paths := []string{filepath.Join(l.dir, names[0]), filepath.Join(l.dir, names[1])}
	var begun []loggedReply
	answered, published := map[contentKey]bool{}, map[contentKey]bool{}
	lines := l.readAll(paths, now)
	for _, r := range lines {
		if key, ok := r.key(); ok && r.Published {
			published[key] = true
		}
	}
	for _, r := range lines {
		key, ok := r.key()
		switch {
		case ok && r.Begun != nil:
			begun = append(begun, r)
		case ok && !r.Published:
			answered[key] = true
			c.adopt(work{entry: key.entry, sum: key.sum}, r.Response, published[key] || r.Response == nil, now.Add(-now.Sub(r.At)))
		}
	}
	l.adoptBegun(begun, answered)
}

// readAll returns the valid lines of some files that are not too old, oldest first.
// l.mu is held.
func (l *replyLog) readAll(paths []string, now time.Time) []loggedReply {
	var replies []loggedReply
	for _, path := range paths {
		data, err := readReplyLog(path)
		if err != nil {
			l.report("syftevent: reading reply log failed", path, err)
		}
		for line := range bytes.Lines(data) {
			var r loggedReply
			// The last line is incomplete if the process was killed.
			if json.Unmarshal(line, &r) != nil || now.Sub(r.At) > publishedFor {
				continue
			}
			if r.At.After(now) {
				r.At = now // the clock was set back
			}
			replies = append(replies, r)
		}
	}
	slices.SortStableFunc(replies, func(a, b loggedReply) int { return a.At.Compare(b.At) })
	return replies
}

// readReplyLog reads a file of a log, unless it is larger than any that a server writes.
func readReplyLog(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > 2*maxPublishedSize:
		return nil, fmt.Errorf("not a regular file of at most %d bytes", 2*maxPublishedSize)
	}
	return os.ReadFile(path)
}

// startFile replaces one of the files with one that holds some replies, and makes it the
// current one. l.mu is held.
func (l *replyLog) startFile(current int, replies []loggedReply, now time.Time) error {
	path := filepath.Join(l.dir, l.names[current])
	if len(replies) == 0 {
		// Without traffic there is no file.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.setCurrent(current)
		return nil
	}
	var content bytes.Buffer
	for i := range replies {
		content.Write(replies[i].line())
	}
	// By renaming: a process killed in between leaves the old file or the new one.
	next := path + ".next.tmp"
	if err := os.WriteFile(next, content.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	l.setCurrent(current)
	if replies[0].Begun == nil {
		now = replies[0].At
	}
	return l.open(now)
}

// setCurrent makes one of the files the current one, to be opened. l.mu is held.
func (l *replyLog) setCurrent(current int) {
	l.close()
	l.current, l.sizes = current, map[string]int64{}
}

// open opens the current file. l.mu is held.
func (l *replyLog) open(started time.Time) error {
	f, err := os.OpenFile(filepath.Join(l.dir, l.names[l.current]), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size, l.started = f, info.Size(), started
	return nil
}

// add logs the reply to a request. Nil data stands for one that is too large.
func (l *replyLog) add(w work, data []byte, now time.Time) {
	r := loggedReply{At: now, Dir: w.entry.Dir, Stem: w.entry.Stem, Request: hex.EncodeToString(w.sum[:]), Response: data}
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return // the handler ignored its cancellation
	}
	if l.sizes[w.location.sender]+int64(len(data)) > maxLoggedReplies {
		r.Response = nil
	}
	line := r.line()
	delete(l.begunRequests, contentKey{w.entry, w.sum})
	if !l.write(line, now) {
		return
	}
	if l.sizes == nil {
		l.sizes = map[string]int64{}
	}
	l.sizes[w.location.sender] += int64(len(line))
}

// published logs that the reply to a request was published.
func (l *replyLog) published(w work, now time.Time) {
	r := loggedReply{At: now, Dir: w.entry.Dir, Stem: w.entry.Stem, Request: hex.EncodeToString(w.sum[:]), Published: true}
	l.mu.Lock()
	defer l.unlock()
	if !l.closed {
		l.write(r.line(), now)
	}
}

// write writes a line, and reports whether it succeeded. l.mu is held.
func (l *replyLog) write(line []byte, now time.Time) bool {
	if err := l.append(line, now); err != nil {
		l.fail(err)
		return false
	}
	l.failing = false
	return true
}

func (l *replyLog) append(line []byte, now time.Time) error {
	if l.file != nil && (l.size+int64(len(line)) > maxReplyLogSize || now.Sub(l.started) > publishedFor) {
		if err := l.startFile(1-l.current, l.unanswered(now), now); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.open(now); err != nil {
			return err
		}
	}
	if _, err := l.file.Write(line); err != nil {
		// The disk may be full. A partial line would corrupt the next one.
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(line))
	return nil
}

// fail reports a failed write, once until one succeeds. Without the log an answered
// request may run again after a restart, no more. l.mu is held.
func (l *replyLog) fail(err error) {
	if !l.failing {
		l.report("syftevent: writing reply log failed", l.dir, err)
	}
	l.failing = true
}

// report queues a failure that unlock logs. l.mu is held.
func (l *replyLog) report(message, path string, err error) {
	l.reports = append(l.reports, logReport{message, path, err})
}

// unlock unlocks l.mu and then logs what was reported: a log handler may block, or call
// the server.
func (l *replyLog) unlock() {
	reports := l.reports
	l.reports = nil
	l.mu.Unlock()
	for _, r := range reports {
		l.logger.Warn(r.message, "path", r.path, "err", r.err)
	}
}

// check makes the next write open the current file again if it was removed.
func (l *replyLog) check() {
	l.mu.Lock()
	defer l.unlock()
	if l.file != nil && !isSameFile(l.file, filepath.Join(l.dir, l.names[l.current])) {
		l.close()
	}
}

// close closes the current file. l.mu is held.
func (l *replyLog) close() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}

// Close closes the log.
func (l *replyLog) Close() {
	l.mu.Lock()
	defer l.unlock()
	l.abandonAll()
	l.close()
	l.closed = true
}

// line encodes the reply as encoding/json does, in a quarter of the time: each request
// costs two lines.
func (r *loggedReply) line() []byte {
	line := make([]byte, 0, 256+len(r.Dir)+len(r.Stem)+len(r.Response))
	line = append(line, `{"at":"`...)
	line = r.At.AppendFormat(line, time.RFC3339Nano)
	line = append(line, `","dir":`...)
	line = wire.AppendString(line, r.Dir)
	line = append(line, `,"stem":`...)
	line = wire.AppendString(line, r.Stem)
	line = append(line, `,"request":"`...)
	line = append(line, r.Request...) // hexadecimal
	line = append(line, '"')
	// A response has no line feed: [wire.AppendResponse] made it.
	if len(r.Response) > 0 && bytes.IndexByte(r.Response, '\n') < 0 {
		line = append(line, `,"response":`...)
		line = append(line, r.Response...)
	}
	if r.Published {
		line = append(line, `,"published":true`...)
	}
	if r.Begun != nil {
		line = append(line, `,"begun":`...)
		line = strconv.AppendInt(line, int64(*r.Begun), 10)
	}
	return append(line, "}\n"...)
}
