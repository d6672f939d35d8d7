package mutantclient

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// corruptRequest applies a defect to the members of a request.
func (c *client) corruptRequest(envelope map[string]any, p *pending, created time.Time) {
	switch {
	case c.has("forgets-sender"):
		delete(envelope, "sender")
	case c.has("forgets-created"):
		delete(envelope, "created")
	case c.has("numbered-ids"):
		envelope["id"] = strconv.Itoa(p.seq + 1)
	case c.has("one-header"):
		envelope["headers"] = firstOnly(p.headers)
	case c.has("lowers-sent-values"):
		envelope["headers"] = lowered(p.headers)
	case c.has("wraps-base64") && p.body != nil:
		envelope["body"] = wrapped(base64.StdEncoding.EncodeToString(p.body))
	case c.has("plain-body") && p.body != nil:
		envelope["body"] = string(p.body)
	case c.has("empty-is-none") && len(p.body) == 0:
		envelope["body"] = nil
	case c.has("none-is-empty") && p.body == nil:
		envelope["body"] = ""
	case c.has("always-posts"):
		envelope["method"] = "POST"
	case c.has("quarter-hour"):
		envelope["expires"] = formatTime(created.Add(15 * time.Minute))
	case c.has("loses-query"):
		envelope["url"] = withoutQuery(p.url)
	}
}

// firstOnly returns the header whose name is the first in the alphabet.
func firstOnly(headers map[string]string) map[string]string {
	first := ""
	for name := range headers {
		if first == "" || name < first {
			first = name
		}
	}
	if first == "" {
		return headers
	}
	return map[string]string{first: headers[first]}
}

func lowered(headers map[string]string) map[string]string {
	changed := map[string]string{}
	for name, value := range headers {
		changed[name] = strings.ToLower(value)
	}
	return changed
}

// wrapped breaks lines after 76 characters, as in e-mails, and at the end.
func wrapped(text string) string {
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	return lines.String() + text + "\n"
}

// chooseStem returns the stem of a new request.
func (c *client) chooseStem(f *folder) string {
	switch {
	case c.has("counts-stems"):
		c.stems++
		return strconv.Itoa(c.stems)
	case c.has("checks-requests"):
		for {
			c.stems++
			stem := strconv.Itoa(c.stems)
			if !exists(filepath.Join(f.dir, stem+requestSuffix)) {
				return stem
			}
		}
	}
	return newUUID()
}

// piecesPause is how long a file written in place stays incomplete.
const piecesPause = 100 * time.Millisecond

// writeInPieces writes a file under its final name.
func writeInPieces(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("create request: %w", err)
	}
	_, err = f.Write(data[:len(data)/2])
	time.Sleep(piecesPause)
	_, rest := f.Write(data[len(data)/2:])
	return errors.Join(err, rest, f.Close())
}

// skipsNudge reports whether a defect replaces the nudge.
func (c *client) skipsNudge(name string, p *pending) bool {
	switch {
	case c.has("never-nudges"):
	case c.has("nudges-once") && p.resends > 0:
	case c.has("touches"):
		os.Chtimes(name, time.Now(), time.Now())
	case c.has("adds-line"):
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			f.WriteString("\n")
			f.Close()
		}
	default:
		return false
	}
	return true
}

func (c *client) wasKept(dir string) bool { return remember(&c.kept, dir) }

// maySend reports whether a request may be sent now, or must wait for results of others.
func (c *client) maySend(p *pending) bool {
	switch {
	case p.sent:
	case c.has("one-call"):
		return c.inFlight == 0
	case c.has("ten-calls"):
		return c.inFlight < 10
	}
	return true
}

// openForCall keeps a descriptor open for as long as a call is in flight.
func (c *client) openForCall(f *folder, p *pending) {
	p.sentAt = time.Now()
	if c.has("handle-for-each-call") {
		p.handle, _ = os.Open(f.dir)
	}
}

func (c *client) closeForCall(p *pending) {
	if p.handle != nil {
		p.handle.Close()
	}
}

// enterFolder applies what defects do in a folder before its first request.
func (c *client) enterFolder(f *folder) {
	if remember(&c.entered, f.dir) {
		return
	}
	switch {
	case c.has("removes-older"):
		c.removeMatches(f, "*.request", "*.response")
	case c.has("leftovers-end"):
		names, _ := filepath.Glob(filepath.Join(f.dir, "*"+requestSuffix))
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil && !json.Valid(data) {
				c.fatal = fmt.Errorf("read request %s: not JSON", name)
			}
		}
	}
}

// lockName is a name that SyftBox ignores.
const lockName = "client-lock.tmp"

// lockFolder creates a file that stays if the client is killed.
func (c *client) lockFolder(f *folder) error {
	if !c.has("leftover-lock") || c.locked[f.dir] {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("lock folder: %w", err)
	}
	if err := writeNew(filepath.Join(f.dir, lockName), nil); err != nil {
		return fmt.Errorf("lock folder: %w", err)
	}
	remember(&c.locked, f.dir)
	return nil
}

func (c *client) unlockFolders() {
	for dir := range c.locked {
		os.Remove(filepath.Join(dir, lockName))
	}
}
