package mutant

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// answeredName is the file of what was answered lately, beside the folder "rpc".
// SyftBox does not carry it.
const answeredName = "../mutant-answered.tmp"

// An answerLine is a line of that file.
type answerLine struct {
	Request  string // its path below "rpc"
	Sum      []byte
	Response []byte
	Final    string
	At       time.Time
}

func (a *answer) line(request string) []byte {
	line, err := json.Marshal(answerLine{request, a.sum[:], a.response, a.final, a.at})
	if err != nil {
		panic(err) // of bytes and strings: never
	}
	return append(line, '\n')
}

// noteAnswer writes an answer to the file before it is published. s.mu is held.
func (s *server) noteAnswer(request string, a *answer) {
	switch {
	case s.has("forgets-on-restart"):
		return
	case s.has("records-at-end"):
		s.unrecorded = append(s.unrecorded, a.line(request)...)
		return
	}
	if err := s.appendAnswered(a.line(request)); err != nil {
		s.log.Printf("%v", err)
	}
}

func (s *server) appendAnswered(lines []byte) error {
	f, err := os.OpenFile(s.path(answeredName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the record of answers: %w", err)
	}
	_, err = f.Write(lines)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the record of answers: %w", err)
	}
	return nil
}

// recordAtEnd writes what a defect has not written before.
func (s *server) recordAtEnd() error {
	if s.unrecorded == nil {
		return nil
	}
	return s.appendAnswered(s.unrecorded)
}

// restoreAnswers remembers what an earlier process has answered lately, and drops the
// rest of the file.
func (s *server) restoreAnswers() error {
	data, err := os.ReadFile(s.path(answeredName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the record of answers: %w", err)
	}
	var kept bytes.Buffer
	for line := range strings.Lines(string(data)) {
		var l answerLine
		// The last line may be incomplete, if the process was killed.
		if json.Unmarshal([]byte(line), &l) != nil || len(l.Sum) != sha256.Size || time.Since(l.At) > remembered {
			continue
		}
		s.memory[l.Request] = &answer{sum: [sha256.Size]byte(l.Sum), response: l.Response, final: l.Final, at: l.At, published: 1}
		kept.WriteString(line)
	}
	if err := os.WriteFile(s.path(answeredName), kept.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the record of answers: %w", err)
	}
	return nil
}
