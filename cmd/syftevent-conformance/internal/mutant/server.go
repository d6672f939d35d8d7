// Package mutant is a second server of the conformance application (SPEC.md,
// Appendix A), which exists to be wrong: with one of its [Defects] it breaks a
// requirement, and the scenarios of that requirement must find it. Without a
// defect it meets every requirement, which shows that the suite is fair to
// others than the library.
//
// It shares no code with the library, the reference and the simulator, and takes
// the plainest way everywhere: at each poll it lists the whole tree.
package mutant

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// None is the name of no defect.
const None = "none"

// Features are what the ready line declares.
var Features = []string{
	"sum", "status", "empty", "items", "users", "api", "nested", "methods", "extra", "schema", "cleanup",
}

// A Target is a server under test.
type Target struct {
	// Defect is the name of one of Defects, or None.
	Defect string
	// Getenv looks up the environment variables of the contract.
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Serve serves until ctx is cancelled or standard input ends.
func (t Target) Serve(ctx context.Context) error {
	s, err := t.prepare()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Ends with standard input, or with the program.
	go func() {
		io.Copy(io.Discard, t.Stdin)
		cancel()
	}()
	if s.has("deaf") {
		ctx = context.WithoutCancel(ctx)
	}
	if !s.has("no-lock") {
		unlock, err := s.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := s.layOut(); err != nil {
		return err
	}
	if err := s.restoreAnswers(); err != nil {
		return err
	}
	if err := s.startWrong(); err != nil {
		return err
	}
	if err := s.printReady(t.Stdout); err != nil {
		return err
	}
	s.run(ctx)
	return s.recordAtEnd()
}

// A server is what one process knows.
type server struct {
	settings
	defect string
	log    *log.Logger
	routes []route

	mu      sync.Mutex
	flying  map[string]bool      // requests that a goroutine has, by their paths
	pending map[string]sight     // files that are not complete, or empty responses
	memory  map[string]*answer   // what was answered, by the path of the request
	folders map[string]time.Time // when a folder was seen first
	work    sync.WaitGroup

	// Since when files are orphans, by their paths: as of the last look, and of this one.
	orphans, stillOrphans map[string]time.Time

	wrong // what only defects need
}

// has reports whether the server has a defect.
func (s *server) has(defect string) bool { return s.defect == defect }

func (t Target) prepare() (*server, error) {
	settings, err := readSettings(t.Getenv)
	if err != nil {
		return nil, err
	}
	s := &server{
		settings: settings, defect: t.Defect, log: log.New(t.Stderr, "", log.Lmicroseconds),
		flying: map[string]bool{}, pending: map[string]sight{}, memory: map[string]*answer{}, folders: map[string]time.Time{},
		wrong: wrong{ignored: map[string]bool{}, seen: map[string]bool{}, handles: map[string]*os.File{}, kept: map[string]bool{}, blocked: map[string]bool{}},
	}
	s.routes = s.application()
	if s.has("few-endpoints") {
		s.routes = s.routes[:min(127, len(s.routes))]
	}
	return s, nil
}

// drainTimeout is how long the handlers that run at the end may take.
const drainTimeout = 10 * time.Second

// run looks for requests until ctx is done, and waits for those at work.
func (s *server) run(ctx context.Context) {
	poll := time.NewTicker(s.poll)
	defer poll.Stop()
	cleaned := time.Now()
	for looks := 0; ctx.Err() == nil; looks++ {
		if looks == 0 || !s.has("once") {
			s.look()
		}
		if s.cleanupExpiry > 0 && time.Since(cleaned) >= s.cleanupInterval {
			s.cleanUp()
			cleaned = time.Now()
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	if s.has("no-drain") {
		return
	}
	drained := make(chan struct{})
	go func() { // ends with the last handler, or the program
		s.work.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(drainTimeout):
		s.log.Printf("handlers still run after %v", drainTimeout)
	}
}

func (s *server) printReady(stdout io.Writer) error {
	line, err := json.Marshal(map[string]any{
		"ready":            true,
		"implementation":   "syftevent-go mutant",
		"version":          s.defect,
		"features":         Features,
		"poll_ms":          float64(s.poll) / float64(time.Millisecond),
		"settle_ms":        float64(s.settle) / float64(time.Millisecond),
		"republish_ms":     float64(s.republishDelay) / float64(time.Millisecond),
		"orphan_ms":        float64(s.orphanDelay) / float64(time.Millisecond),
		"max_request_size": s.maxSize,
	})
	if err != nil {
		return fmt.Errorf("encoding the ready line: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return fmt.Errorf("printing the ready line: %w", err)
	}
	return nil
}

// path is the path of a name below rpc, which has slashes.
func (s *server) path(name string) string { return filepath.Join(s.rpc, filepath.FromSlash(name)) }
