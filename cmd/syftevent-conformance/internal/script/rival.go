package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A rival is a second server of the app, which may wait for the first one to end.
type rival struct {
	began   time.Time
	cancel  context.CancelFunc // ends the wait until it is ready
	started chan struct{}      // closed when it is ready, or never will be
	process *target.Process    // nil if it never was ready; set before started is closed
	err     error              // likewise
}

const (
	// minRivalTime is how long a second server has at least until the script goes on.
	minRivalTime = 500 * time.Millisecond
	// leastWait is how long a second server waits at least if it waits at all.
	leastWait = 5 * time.Second
	// maxRivalTime is longer than a scenario.
	maxRivalTime = time.Hour
)

// startSecond starts another server and waits until it is ready, has ended, or has had
// much longer than the first one needed.
func (s *server) startSecond(flags []string) error {
	if len(flags) > 1 || len(flags) == 1 && flags[0] != "-spelled" || s.rival != nil {
		return errUsage
	}
	dir := filepath.Join(s.dir, "second")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	settings := s.settings()
	settings.LogDir = dir
	if len(flags) == 1 {
		var err error
		if settings.ConfigPath, err = respell(settings.ConfigPath, dir); err != nil {
			return fmt.Errorf("start a second server: %w", err)
		}
	}
	command := s.config.Command
	command.ReadyTimeout = maxRivalTime
	ctx, cancel := context.WithCancel(s.ctx)
	r := &rival{began: time.Now(), cancel: cancel, started: make(chan struct{})}
	s.rival = r
	go func() { // ends with the start, or with rival.end
		defer close(r.started)
		r.process, r.err = target.Start(ctx, command, settings)
	}()
	select {
	case <-r.started:
		if r.err != nil && !errors.As(r.err, new(*target.NotReadyError)) {
			return fmt.Errorf("start a second server: %w", r.err)
		}
		return nil // it runs, or it refused
	case <-time.After(s.config.scale(minRivalTime) + 5*s.startTook):
		return nil // it waits
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// respell copies a configuration of SyftBox into a directory, with another spelling of
// "data_dir".
func respell(config, dir string) (string, error) {
	data, err := readFile(config)
	if err != nil {
		return "", err
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return "", fmt.Errorf("%s: %w", config, err)
	}
	members["data_dir"] = fmt.Sprintf("%s%c.", members["data_dir"], filepath.Separator)
	if data, err = json.Marshal(members); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "config.json")
	return name, os.WriteFile(name, data, 0o600)
}

// takeOver waits until the second server is ready, and makes it the server under test.
func (s *server) takeOver() error {
	r, within := s.rival, s.answerWithin()
	select {
	case <-r.started:
	case <-time.After(within):
		return &mismatch{"the second server becomes ready when the first has ended", fmt.Sprintf("it is not ready after %v", within), false}
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	switch waited := time.Since(r.began); {
	case r.err != nil && waited > leastWait:
		return &tooSlow{fmt.Sprintf("the second server gave up within %v: %v", waited.Round(time.Millisecond), r.err)}
	case r.err != nil:
		return &notApplicable{"the second server did not wait for the first: " + r.err.Error()}
	}
	s.process, s.told, s.rival = r.process, false, nil
	return nil
}

// end kills the server.
func (r *rival) end() {
	r.cancel()
	<-r.started
	if r.process != nil {
		r.process.Kill()
	}
}
