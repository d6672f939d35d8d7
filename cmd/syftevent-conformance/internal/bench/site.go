package bench

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	serverEmail = "server@example.com"
	app         = "bench"
)

// A site is a datasite with its server.
type site struct {
	dir     string
	replica *fakebox.Replica
	box     *fakebox.Box
	process *target.Process // nil before serve and for the bare loop
	next    int             // number of the next request
}

func newSite(dir string) (*site, error) {
	box, err := fakebox.Open(filepath.Join(dir, "box"), fakebox.Config{})
	if err != nil {
		return nil, err
	}
	replica, err := box.TryJoin(serverEmail)
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return &site{dir: dir, replica: replica, box: box}, nil
}

// serve starts the server, which runs until close.
func (s *site) serve(ctx context.Context, subject Subject, options map[string]any) (err error) {
	s.process, err = target.Start(ctx, subject.Command, target.Settings{
		ConfigPath: s.replica.ConfigPath(),
		App:        app,
		Options:    options,
		RecordPath: filepath.Join(s.dir, "record.log"),
		LogDir:     s.dir,
	})
	var notReady *target.NotReadyError
	if errors.As(err, &notReady) && notReady.Stderr != "" {
		lines := strings.Split(notReady.Stderr, "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	return err
}

// stopGrace limits how long a server takes to stop.
const stopGrace = 15 * time.Second

func (s *site) close() {
	if s.process != nil {
		s.process.Stop(stopGrace)
	}
	s.box.Close()
}

// rpc returns the rpc folder of the app.
func (s *site) rpc() string { return filepath.Join(s.replica.Datasite(), "app_data", app, "rpc") }

func senderOf(n int) string { return fmt.Sprintf("sender%d@example.com", n) }

// A call holds the paths of a staged request, of the request and of its response.
type call struct {
	staged, request, response string
}

// bodySize is the size of a request body in bytes.
const bodySize = 64

// stage writes requests to a folder on the same file system. drop renames them into
// place, as SyftBox does for files received by WebSocket.
func (s *site) stage(endpoint string, count, senders int) ([]call, error) {
	calls, err := s.stageFor(endpoint, count, func(n int) string { return senderOf(n % senders) })
	if err != nil {
		return nil, err
	}
	for _, c := range calls[:min(senders, count)] {
		if err := os.MkdirAll(filepath.Dir(c.request), 0o755); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

// stageFor is stage for the senders that senderOf returns, whose folders it does not create.
func (s *site) stageFor(endpoint string, count int, sender func(n int) string) ([]call, error) {
	var calls []call
	for n := range count {
		c, err := s.stageOne(endpoint, sender(n))
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, nil
}

func (s *site) stageOne(endpoint, sender string) (call, error) {
	staging := filepath.Join(s.dir, "staging")
	if err := os.MkdirAll(staging, 0o755); err != nil {
		return call{}, err
	}
	folder := filepath.Join(s.rpc(), endpoint, sender)
	id, data := s.request(endpoint, sender)
	c := call{filepath.Join(staging, id), filepath.Join(folder, id+".request"), filepath.Join(folder, id+".response")}
	return c, os.WriteFile(c.staged, data, 0o600)
}

// request returns the next request, with the field order and time format of the Python
// package.
func (s *site) request(endpoint, sender string) (id string, data []byte) {
	id = fmt.Sprintf("5f5b153c-d742-4027-8091-%012x", s.next)
	s.next++
	return id, envelope(id, sender, endpoint, `"method":"POST"`)
}

func envelope(id, sender, endpoint, last string) []byte {
	const layout = "2006-01-02T15:04:05.000000+00:00"
	now := time.Now().UTC()
	return fmt.Appendf(nil, `{"id":"%s","sender":"%s","url":"syft://%s/app_data/%s/rpc/%s","body":"%s","headers":{"content-type":"text/plain"},"created":"%s","expires":"%s",%s}`,
		id, sender, serverEmail, app, endpoint, base64.URLEncoding.EncodeToString([]byte(strings.Repeat("x", bodySize))),
		now.Format(layout), now.Add(24*time.Hour).Format(layout), last)
}

// pairs writes answered requests to a sender folder.
func (s *site) pairs(endpoint, sender string, count int) error {
	folder := filepath.Join(s.rpc(), endpoint, sender)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for range count {
		id, request := s.request(endpoint, sender)
		if err := os.WriteFile(filepath.Join(folder, id+".request"), request, 0o644); err != nil {
			return err
		}
		response := envelope(id, serverEmail, endpoint, `"status_code":200`)
		if err := os.WriteFile(filepath.Join(folder, id+".response"), response, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func drop(calls []call) error {
	for _, c := range calls {
		if err := os.Rename(c.staged, c.request); err != nil {
			return err
		}
	}
	return nil
}

// dropIntoNew is drop for folders that may not exist.
func dropIntoNew(calls []call) error {
	for _, c := range calls {
		if err := os.MkdirAll(filepath.Dir(c.request), 0o755); err != nil {
			return err
		}
		if err := os.Rename(c.staged, c.request); err != nil {
			return err
		}
	}
	return nil
}

// answerTimeout limits how long all responses together take.
const answerTimeout = 2 * time.Minute

// await waits for all responses. It checks one file at a time to cost little.
func (s *site) await(ctx context.Context, calls []call, pause time.Duration) error {
	deadline := time.Now().Add(answerTimeout)
	for n, c := range calls {
		for {
			_, err := os.Lstat(c.response)
			if err == nil {
				break
			}
			switch {
			case !errors.Is(err, fs.ErrNotExist):
				return err
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case s.process != nil && s.process.Exited():
				return fmt.Errorf("server exited (%s) after %d of %d responses", s.process.Status(), n, len(calls))
			case time.Now().After(deadline):
				return fmt.Errorf("received %d of %d responses within %v", n, len(calls), answerTimeout)
			}
			briefly(pause)
		}
	}
	return nil
}

// checkAnswer returns an error unless the response has status 200. It allows time for
// servers that write in place.
func checkAnswer(c call) error {
	const patience = 2 * time.Second
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		data, err := os.ReadFile(c.response)
		if err != nil {
			return err
		}
		var response struct {
			Status int `json:"status_code"`
		}
		err = json.Unmarshal(data, &response)
		if err == nil && response.Status == 200 {
			return nil
		}
		if err == nil || time.Since(began) > patience {
			return fmt.Errorf("response has status %d: %.100q", response.Status, data)
		}
	}
}
