package syftevent

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
// request, because the client has collected both, or because it lost the upload; a
// server that was restarted meanwhile must not take the request for one that was
// never answered. [proc-restart]
//
// The log is two files beside the lock of the app. Each reply is appended to one of
// them, as a line of JSON, before it is published; when that file is full or a day
// old the other one is begun anew. So both together have the replies of the last day,
// or as many of them as fit. The log is not synced to the disk: it
// survives the death of the process, not of the machine.
//
// It also has which requests were begun and not answered, as server_replies_attempts.go says.
type replyLog struct {
	dir    string
	logger *slog.Logger

	mu            sync.Mutex
	current       int      // which of replyLogNames
	file          *os.File // nil before the first reply, and after a failure
	size          int64
	begun         time.Time
	failing       bool  // whether that was logged
	failure       error // to be logged when mu is unlocked
	closed        bool
	sizes         map[string]int64         // of the replies in the file, by sender
	begunRequests map[contentKey]*attempts // requests that were begun and not answered
}

// replyLogNames are the files of a reply log. SyftBox carries no file of the name
// *.tmp to other machines.
var replyLogNames = [2]string{".syftevent-replies-0.tmp", ".syftevent-replies-1.tmp"}

const (
	// maxReplyLogSize is the size in bytes at which the other file is begun.
	maxReplyLogSize = maxPublishedSize / 2
	// maxLoggedReply is the size in bytes above which a reply itself is not logged,
	// only that there was one.
	maxLoggedReply = maxReplyLogSize / 2
	// maxLoggedReplies is the size in bytes of the replies of one sender in a file above
	// which no more of its replies themselves are logged: it must not make the log
	// forget those of others.
	maxLoggedReplies = maxReplyLogSize / 4
)

// A loggedReply is a line of the log.
type loggedReply struct {
	At      time.Time `json:"at"`
	Dir     string    `json:"dir"`
	Stem    string    `json:"stem"`
	Request string    `json:"request"` // SHA-256 of its bytes, in hexadecimal
	// Response is the content of the response file; missing if it is too large.
	Response json.RawMessage `json:"response,omitempty"`
	// Begun makes the line not one of a reply: it is how many processes have begun the
	// request, 0 when the last one was told to stop.
	Begun *int `json:"begun,omitempty"`
}

// key returns which request the line is of, and whether it can be one.
func (r *loggedReply) key() (key contentKey, ok bool) {
	sum, err := hex.DecodeString(r.Request)
	if err != nil || len(sum) != sha256.Size {
		return key, false
	}
	return contentKey{entry{Dir: r.Dir, Stem: r.Stem}, [sha256.Size]byte(sum)}, true
}

// restore puts the replies of an earlier process into the reply cache, and begins the
// log with them. What cannot be read is logged and dropped.
func (l *replyLog) restore(m *replyCache, now time.Time) {
	l.mu.Lock()
	defer l.unlock()
	var lines [][]byte
	var replies []loggedReply
	for _, name := range replyLogNames {
		data, err := l.read(name)
		if err != nil {
			l.logger.Warn("syftevent: reading the reply log failed", "path", filepath.Join(l.dir, name), "err", err)
		}
		lines = append(lines, bytes.SplitAfter(data, []byte("\n"))...)
	}
	for _, line := range lines {
		var r loggedReply
		// The last line may be incomplete, if the process was killed.
		if json.Unmarshal(line, &r) != nil || now.Sub(r.At) > publishedFor {
			continue
		}
		if r.At.After(now) {
			r.At = now // the clock was set back
		}
		replies = append(replies, r)
	}
	slices.SortStableFunc(replies, func(a, b loggedReply) int { return a.At.Compare(b.At) })
	answered := map[contentKey]bool{}
	begun := replies[:0:0]
	replies = slices.DeleteFunc(replies, func(r loggedReply) bool {
		key, ok := r.key()
		switch {
		case ok && r.Begun != nil:
			begun = append(begun, r)
		case ok:
			answered[key] = true
			m.restore(work{entry: key.entry, sum: key.sum}, r.Response, now.Add(-now.Sub(r.At)))
			return false
		}
		return true
	})
	l.restoreBegun(begun, answered)
	if err := l.begin(0, append(replies, l.unanswered(now)...), now); err != nil {
		l.fail(err)
		return
	}
	if err := os.Remove(filepath.Join(l.dir, replyLogNames[1])); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.logger.Warn("syftevent: removing an old reply log failed", "err", err)
	}
}

// read reads one of the files, of which a server has written at most so much.
func (l *replyLog) read(name string) ([]byte, error) {
	path := filepath.Join(l.dir, name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > 2*maxPublishedSize:
		return nil, fmt.Errorf("not a file of at most %d bytes", 2*maxPublishedSize)
	}
	return os.ReadFile(path)
}

// begin replaces one of the files by one with some replies, and makes it the current
// one. l.mu is held.
func (l *replyLog) begin(current int, replies []loggedReply, now time.Time) error {
	path := filepath.Join(l.dir, replyLogNames[current])
	if len(replies) == 0 {
		// Without traffic there is no file.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.turn(current)
		return nil
	}
	var content bytes.Buffer
	for i := range replies {
		content.Write(replies[i].line())
	}
	// By renaming, so that a process killed meanwhile leaves the old or the new.
	next := path + ".next.tmp"
	if err := os.WriteFile(next, content.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	l.turn(current)
	if replies[0].Begun == nil {
		now = replies[0].At
	}
	return l.open(now)
}

// turn makes one of the files the current one, which is not open yet. l.mu is held.
func (l *replyLog) turn(current int) {
	l.close()
	l.current, l.sizes = current, map[string]int64{}
}

// open opens the current file. l.mu is held.
func (l *replyLog) open(begun time.Time) error {
	f, err := os.OpenFile(filepath.Join(l.dir, replyLogNames[l.current]), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size, l.begun = f, info.Size(), begun
	return nil
}

// add logs the reply to a request; nil data is one that is too large.
func (l *replyLog) add(w work, data []byte, now time.Time) {
	r := loggedReply{At: now, Dir: w.entry.Dir, Stem: w.entry.Stem, Request: hex.EncodeToString(w.sum[:]), Response: data}
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return // a handler that ignored its cancellation
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

// write writes a line, and reports whether it could. l.mu is held.
func (l *replyLog) write(line []byte, now time.Time) bool {
	if err := l.append(line, now); err != nil {
		l.fail(err)
		return false
	}
	l.failing = false
	return true
}

func (l *replyLog) append(line []byte, now time.Time) error {
	if l.file != nil && (l.size+int64(len(line)) > maxReplyLogSize || now.Sub(l.begun) > publishedFor) {
		if err := l.begin(1-l.current, l.unanswered(now), now); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.open(now); err != nil {
			return err
		}
	}
	if _, err := l.file.Write(line); err != nil {
		// The disk is full, say: a part of a line would spoil the next one.
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(line))
	return nil
}

// fail notes a failure, which is logged once. Without the log an answered request may
// run again after a restart, no more. l.mu is held.
func (l *replyLog) fail(err error) {
	if !l.failing {
		l.failure = err
	}
	l.failing = true
}

// unlock unlocks l.mu, and logs what has failed: a log handler may take its time.
func (l *replyLog) unlock() {
	err := l.failure
	l.failure = nil
	l.mu.Unlock()
	if err != nil {
		l.logger.Warn("syftevent: writing the reply log failed", "path", l.dir, "err", err)
	}
}

// check begins the current file anew if something has removed it.
func (l *replyLog) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && !isStill(l.file, filepath.Join(l.dir, replyLogNames[l.current])) {
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

// Close ends the log.
func (l *replyLog) Close() {
	l.mu.Lock()
	defer l.unlock()
	l.leaveAll()
	l.close()
	l.closed = true
}

// line returns the reply as it stands in the log: what encoding/json would write, for a
// quarter of the time, since each request costs two lines.
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
	// A response has no line feed, because [wire.AppendResponse] has made it.
	if len(r.Response) > 0 && bytes.IndexByte(r.Response, '\n') < 0 {
		line = append(line, `,"response":`...)
		line = append(line, r.Response...)
	}
	if r.Begun != nil {
		line = append(line, `,"begun":`...)
		line = strconv.AppendInt(line, int64(*r.Begun), 10)
	}
	return append(line, "}\n"...)
}
