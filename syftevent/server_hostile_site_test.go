package syftevent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// The tests named TestHostile... show what one sender, or a bad disk, can do to a server, and
// that nobody else is harmed.

var fullProof = flag.Bool("proof", false, "run the proofs at their full size, which takes minutes")

// sized is a number of a proof.
func sized(full, small int) int {
	if *fullProof {
		return full
	}
	return small
}

const honestEmail = "honest@example.com"

// A hostileSite is a site whose log is kept, and whose server may be restarted.
type hostileSite struct {
	*site
	router *syftevent.Router
	log    *lockedBuffer
}

// inHostileBubble runs a test in a bubble, with a server that is not started yet.
func inHostileBubble(t *testing.T, router *syftevent.Router, test func(s *hostileSite)) {
	t.Helper()
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := &hostileSite{site: newSite(t, router, replica), router: router, log: &lockedBuffer{}}
		s.server.Logger = slog.New(slog.NewTextHandler(s.log, nil))
		test(s)
	})
}

// restart stops the server and starts another one in the same folder.
func (s *hostileSite) restart() {
	s.t.Helper()
	s.stop()
	s.server = newSite(s.t, s.router, s.replica).server
	s.server.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	s.start()
}

// askAs delivers a request of a sender to a single-segment endpoint.
func (s *site) askAs(endpoint, sender, id string) {
	s.t.Helper()
	s.putAs(endpoint+"/"+sender, id, envelope("/"+endpoint, map[string]any{"id": id, "sender": sender}))
}

// putAs delivers a request file under a name.
func (s *site) putAs(dir, id string, data []byte) {
	s.t.Helper()
	if err := s.replica.Deliver(rpcPath+"/"+dir+"/"+id+".request", data, fakebox.Delivery{Mode: fakebox.WebSocket}); err != nil {
		s.t.Fatal(err)
	}
}

// occupy puts a directory that is not empty under a name.
func (s *site) occupy(parts ...string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Join(s.path(parts...), "x"), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// hostilePatience is how long, on the bubble's clock, a request of an honest sender
// may wait in these tests.
const hostilePatience = time.Minute

// expect checks the status of the response to a request.
func (s *site) expect(status int, endpoint, sender, id string) {
	s.t.Helper()
	name := s.path(endpoint, sender, id+".response")
	for began := time.Now(); time.Since(began) < hostilePatience; time.Sleep(100 * time.Millisecond) {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() == 0) {
			continue // to be replaced by the response
		}
		data, err := os.ReadFile(name)
		if err != nil {
			s.t.Errorf("read response: %v", err)
			return
		}
		if got := statusIn(data); got != status {
			s.t.Errorf("%s of %s to %s: status %d, want %d: %.200q", id, sender, endpoint, got, status, data)
		}
		return
	}
	s.t.Errorf("%s of %s to %s has no response after %v: %+v", id, sender, endpoint, hostilePatience, s.server.Stats())
}

// statusIn returns the status of a response, 0 if it is no whole one.
func statusIn(data []byte) int {
	var r struct {
		Status int `json:"status_code"`
	}
	if json.Unmarshal(data, &r) != nil {
		return 0
	}
	return r.Status
}

// A lockedBuffer may be written and read concurrently.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// lines returns the lines that contain a text.
func (b *lockedBuffer) lines(text string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for line := range strings.Lines(b.buf.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// A runCount counts how often each request was run.
type runCount struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *runCount) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[id]++
}

func (c *runCount) of(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[id]
}
