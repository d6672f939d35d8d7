// Package mutant is a second implementation of the conformance application (SPEC.md,
// Appendix A) that is wrong on purpose. With one of its [Defects] it violates a
// requirement, and the scenarios of that requirement must fail. Without a defect it
// meets every requirement, which shows that the suite does not depend on the library.
//
// It shares no code with the library, the reference server and the simulator, and
// prefers simple to fast: each scan lists the whole tree.
package mutant

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// None is the name of the server without a defect.
const None = "none"

// Features are the features that the ready line declares.
var Features = []string{
	"sum", "status", "empty", "items", "users", "api", "nested", "methods", "extra", "schema", "cleanup", "encryption", "seals", "workers",
}

// A Target is a server under test.
type Target struct {
	// Defect is the name of one of Defects, or None.
	Defect string
	// Getenv looks up the environment variables of the contract.
	Getenv func(string) string
	// Stdin stops the server when it ends.
	Stdin io.Reader
	// Stdout receives the ready line, Stderr the log.
	Stdout, Stderr io.Writer
}

// Serve serves until ctx is canceled or standard input ends.
func (t Target) Serve(ctx context.Context) error {
	s, err := t.newServer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// This goroutine ends with standard input or with the program.
	go func() {
		io.Copy(io.Discard, t.Stdin)
		if s.has("input-no-drain") {
			os.Exit(0)
		}
		cancel()
	}()
	if s.has("deaf") {
		ctx = context.WithoutCancel(ctx)
	}
	if s.shared {
		if err := s.joinWorkers(ctx); err != nil {
			return err
		}
		defer s.leaveWorkers()
	} else if !s.has("no-lock") {
		unlock, err := s.lock(ctx)
		if err != nil {
			return err
		}
		unlock = sync.OnceFunc(unlock)
		defer unlock()
		if s.has("early-takeover") {
			context.AfterFunc(ctx, unlock)
		}
	}
	if err := s.createLayout(); err != nil {
		return err
	}
	if !s.shared {
		if err := s.replies.load(); err != nil {
			return err
		}
	}
	if err := s.applyStartDefect(); err != nil {
		return err
	}
	if err := s.printReady(t.Stdout); err != nil {
		return err
	}
	s.run(ctx)
	return s.replies.saveAtEnd()
}

// A defect is the name of the server's defect, or None.
type defect string

func (d defect) has(name string) bool { return string(d) == name }

// A server is the state of one process.
type server struct {
	settings
	defect
	log        *slog.Logger
	router     router
	decoder    decoder
	replies    replyCache
	incomplete incompleteFiles
	orphans    orphanTracker
	crypt      *cryptography // nil without encryption
	workers    sync.WaitGroup
	team       team

	mu        sync.Mutex
	inFlight  map[string]bool      // by path of the request
	firstSeen map[string]time.Time // by path of the directory
	defectState
}

func (t Target) newServer() (*server, error) {
	settings, err := readSettings(t.Getenv)
	if err != nil {
		return nil, err
	}
	d := defect(t.Defect)
	settings.misread(d)
	log := slog.New(slog.NewTextHandler(t.Stderr, nil))
	s := &server{
		settings:    settings,
		defect:      d,
		log:         log,
		router:      router{d, application{d, settings.recordPath}.routes(settings.extraEndpoints, settings.encryption)},
		decoder:     decoder{defect: d, log: log},
		replies:     replyCache{defect: d, log: log, delay: settings.republishDelay, entries: map[string]*cachedReply{}},
		incomplete:  incompleteFiles{defect: d, settle: settings.settle, seen: map[string]content{}},
		inFlight:    map[string]bool{},
		firstSeen:   map[string]time.Time{},
		defectState: newDefectState(),
	}
	s.replies.file = s.path(repliesName)
	if settings.encryption {
		if s.crypt, err = newCryptography(d, settings); err != nil {
			return nil, err
		}
	}
	if s.has("few-endpoints") {
		s.router.routes = s.router.routes[:min(127, len(s.router.routes))]
	}
	return s, nil
}

// drainTimeout is how long shutdown waits for requests in flight.
const drainTimeout = 10 * time.Second

// run polls until ctx is done, then drains.
func (s *server) run(ctx context.Context) {
	poll := time.NewTicker(s.poll)
	defer poll.Stop()
	lastCleanup := time.Now()
	for scans := 0; ctx.Err() == nil; scans++ {
		if (scans == 0 || !s.has("once")) && !s.isTired() {
			s.scan()
		}
		if s.cleanupExpiry > 0 && time.Since(lastCleanup) >= s.cleanupInterval {
			s.cleanUp()
			lastCleanup = time.Now()
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	if s.has("no-drain") {
		return
	}
	timeout := drainTimeout
	if s.has("short-drain") {
		timeout = time.Second
	}
	drained := make(chan struct{})
	// This goroutine ends with the last worker or with the program.
	go func() {
		s.workers.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(timeout):
		s.log.Warn("drain timed out", "timeout", timeout)
	}
}

func (s *server) printReady(stdout io.Writer) error {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	poll := s.poll
	if s.has("hour-poll") {
		poll = time.Hour
	}
	line, err := json.Marshal(map[string]any{
		"ready":            true,
		"implementation":   "syftevent-go mutant",
		"version":          string(s.defect),
		"features":         Features,
		"poll_ms":          ms(poll),
		"settle_ms":        ms(s.settle),
		"republish_ms":     ms(s.republishDelay),
		"orphan_ms":        ms(s.orphanDelay),
		"max_request_size": s.maxSize,
	})
	if err != nil {
		return fmt.Errorf("encode ready line: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return fmt.Errorf("print ready line: %w", err)
	}
	return nil
}

// path returns the file system path of a slash-separated path below rpc.
func (s *server) path(name string) string { return filepath.Join(s.rpc, filepath.FromSlash(name)) }

// exitFatal ends the process as an unhandled error does.
func exitFatal(log *slog.Logger, reason string) {
	log.Error("fatal", "reason", reason)
	os.Exit(9)
}
