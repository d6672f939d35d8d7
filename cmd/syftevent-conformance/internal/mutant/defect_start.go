package mutant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// begunName is the file in which a defect records the requests that it began, beside the
// rpc directory. SyftBox ignores *.tmp.
const begunName = "../mutant-begun.tmp"

// applyStartDefect does what a defect does before the server is ready.
func (s *server) applyStartDefect() error {
	s.started = time.Now()
	s.lastWork = s.started
	switch s.defect {
	case "moves-over":
		s.eachRequest(s.moveLegacy)
	case "only-new":
		s.eachRequest(s.ignore)
	case "removes-waiting":
		s.eachRequest(func(file requestFile) {
			if s.cleanupExpiry > 0 && s.expired(s.created(file)) && !s.answered(file) {
				s.remove(file.request())
			}
		})
	case "start-gap":
		before := map[string]bool{}
		s.eachRequest(func(file requestFile) { before[file.request()] = true })
		s.scan()
		s.workers.Wait()
		s.eachRequest(func(file requestFile) {
			if !before[file.request()] {
				s.ignore(file)
			}
		})
	case "garbage-start":
		s.eachRequest(func(file requestFile) {
			if data, err := os.ReadFile(s.path(file.request())); err == nil && !json.Valid(data) {
				exitFatal(s.log, "request is not JSON")
			}
		})
	case "start-again":
		s.eachRequest(func(file requestFile) {
			if data, err := s.read(file); err == nil && s.answered(file) {
				s.respond(file, data, nil)
			}
		})
	case "remembers-begun":
		data, err := os.ReadFile(s.path(begunName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read begun requests: %w", err)
		}
		for name := range strings.Lines(string(data)) {
			s.ignored[strings.TrimSpace(name)] = true
		}
		return s.recordBegun("")
	}
	return nil
}

// eachRequest calls do for each request below rpc.
func (s *server) eachRequest(do func(requestFile)) {
	fs.WalkDir(os.DirFS(s.rpc), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if file, ok := s.parsePath(path.Dir(name), path.Base(name)); ok {
			do(file)
		}
		return nil
	})
}

func (s *server) recordBegun(request string) error {
	f, err := os.OpenFile(s.path(begunName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("record begun request: %w", err)
	}
	_, err = f.WriteString(request + "\n")
	return errors.Join(err, f.Close())
}

// moveLegacy moves an answered pair of the legacy layout into the folder of its sender,
// over whatever is there.
func (s *server) moveLegacy(file requestFile) {
	if file.sender != "" || !s.answered(file) {
		return
	}
	data, err := s.readFile(s.path(file.request()))
	if err != nil {
		return
	}
	req, err := s.decoder.decode(data)
	if err != nil || !s.isAddress(req.sender) {
		return
	}
	dir := path.Join(file.dir, req.sender)
	err = os.MkdirAll(s.path(dir), 0o755)
	for _, name := range []string{file.response(), file.request()} {
		err = errors.Join(err, os.Rename(s.path(name), s.path(path.Join(dir, path.Base(name)))))
	}
	if err != nil {
		s.log.Warn("move legacy pair failed", "err", err)
	}
}
