package mutant

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// defectPause is long enough for a scenario to observe what happens in between.
	defectPause = 200 * time.Millisecond
	// blockSize is how much "in-place" writes at once.
	blockSize = 64 << 10
)

// final returns the path of a response below rpc: beside its request, if no defect
// decides otherwise.
func (s *server) final(file requestFile, req *request) string {
	name := file.response()
	switch {
	case s.has("first-dot"):
		stem, _, _ := strings.Cut(file.stem, ".")
		name = path.Join(file.dir, stem+responseSuffix)
	case s.has("one-up"):
		name = path.Join(path.Dir(file.dir), file.stem+responseSuffix)
	case s.has("sender-path") && file.sender != "" && req.sender != "":
		name = path.Join(path.Dir(file.dir), req.sender, file.stem+responseSuffix)
	case s.has("older-moves") && file.sender == "" && req.sender != "":
		name = path.Join(file.dir, req.sender, file.stem+responseSuffix)
	case s.has("id-path") && req.id != "":
		name = path.Join(file.dir, req.id+responseSuffix)
	case s.has("url-endpoint"):
		_, endpoint, found := strings.Cut(bareURL(req.url), "/rpc/")
		if found && !strings.Contains(endpoint, "..") {
			name = path.Join(endpoint, file.sender, file.stem+responseSuffix)
		}
	case s.has("composes-names"):
		name = strings.ReplaceAll(name, "o\u0308", "ö")
	case s.has("url-path"):
		// rpc is four levels below the datasites.
		name = path.Join("../../../..", strings.TrimPrefix(bareURL(req.url), "syft://"), file.sender, file.stem+responseSuffix)
	}
	if name != file.response() {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			s.log.Error("create response directory failed", "err", err)
		}
	}
	return name
}

// wasKept reports whether a sender folder has had a .syftkeep before.
func (s *server) wasKept(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.kept[dir]
	s.kept[dir] = true
	return was
}

func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// publishInPlace writes a response under its final name, in blocks.
func publishInPlace(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("write response in place: %w", err)
	}
	defer f.Close()
	for i, block := range slices.Collect(slices.Chunk(data, blockSize)) {
		if i == 1 {
			time.Sleep(defectPause)
		}
		if _, err := f.Write(block); err != nil {
			return fmt.Errorf("write response in place: %w", err)
		}
	}
	return nil
}

// publishInPieces writes a file under its final name, in two pieces.
func publishInPieces(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write in pieces: %w", err)
	}
	defer f.Close()
	for _, piece := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if _, err := f.Write(piece); err != nil {
			return fmt.Errorf("write in pieces: %w", err)
		}
		time.Sleep(defectPause / 4)
	}
	return nil
}

// replaceAfter replaces a response by a slightly different one after a pause.
func (s *server) replaceAfter(pause time.Duration, name string, data []byte) {
	s.workers.Go(func() {
		time.Sleep(pause)
		if _, err := os.Lstat(name); err != nil {
			return
		}
		temporary := name + "." + rand.Text() + ".tmp"
		if err := os.WriteFile(temporary, append(slices.Clone(data), '\n'), 0o644); err != nil {
			s.log.Error("replace response failed", "err", err)
		}
		if err := os.Rename(temporary, name); err != nil {
			s.log.Error("replace response failed", "err", err)
		}
	})
}

// appendLine appends an empty line to a file.
func appendLine(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("append to response: %w", err)
	}
	_, err = f.WriteString("\n")
	return errors.Join(err, f.Close())
}

// refused reports whether a response has the status of an error.
func refused(response []byte) bool {
	var envelope struct {
		Status int `json:"status_code"`
	}
	return json.Unmarshal(response, &envelope) == nil && envelope.Status >= 400
}

// isFalsy reports whether a file is a JSON value that some languages take for false.
func isFalsy(data []byte) bool {
	return slices.Contains([]string{"null", "false", "0", `""`, "[]", "{}"}, string(data))
}

// journal notes a response in a file beside the app's folder.
func (s *server) journal(file requestFile) {
	name := filepath.Join(s.path(""), "..", "..", "responses.log")
	if err := os.WriteFile(name, []byte(file.request()+"\n"), 0o644); err != nil {
		s.log.Error("note response failed", "err", err)
	}
}
