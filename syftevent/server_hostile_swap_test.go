//go:build linux

package syftevent_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// secret is in the files outside, and must be nowhere else.
const secret = "c2VjcmV0LW91dHNpZGU=" // in base64, as the body of a request

// An attacker swaps folders and files for symbolic links while requests arrive. Nothing
// outside the folder is read into a response, or written.
func TestProofSymlinkSwaps(t *testing.T) {
	p := newProof(t, "")
	t.Logf("seed %d", *proofSeed)
	outside := t.TempDir()
	const folders = 4
	sender := func(n int) string { return fmt.Sprintf("sender%d@example.com", n%folders) }
	for n := range folders {
		// The server would answer this file if it were in the folder.
		for m := range 10 {
			data := envelope("/echo", map[string]any{"id": nil, "sender": sender(n), "body": secret})
			name := filepath.Join(outside, sender(n), fmt.Sprint("x", m, ".request"))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(strings.TrimSuffix(name, ".request")+".precious", data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := contents(t, outside)

	var leaked, runs atomic.Int32
	router := syftevent.NewRouter()
	router.OnRequest("/echo", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		if strings.Contains(string(req.Body), "secret-outside") {
			leaked.Add(1)
		}
		return syftevent.Bytes(200, req.Body), nil
	})
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: p.settings.DataDir}, Router: router,
		SettleTime: 10 * time.Millisecond, OrphanDelay: 20 * time.Millisecond, PollInterval: 5 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var swapping sync.WaitGroup
	over := time.Now().Add(proofDuration())
	var swaps atomic.Int32
	for n := range folders {
		s := newSwapper(t, uint64(n), filepath.Join(p.rpc(), "echo", sender(n)), filepath.Join(outside, sender(n)))
		swapping.Go(func() {
			for ; time.Now().Before(over); swaps.Add(1) {
				s.swap()
			}
		})
	}
	endpoint := newSwapper(t, folders, filepath.Join(p.rpc(), "echo"), outside)
	swapping.Go(func() {
		for ; time.Now().Before(over); time.Sleep(20 * time.Millisecond) {
			endpoint.folder()
		}
	})
	swapping.Wait()
	// The server still answers.
	name := filepath.Join(p.rpc(), "echo", honestEmail, "1")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".request", envelope("/echo", map[string]any{"id": "1", "sender": honestEmail}), 0o644); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); p.read(letter{name: name}) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > proofPatience {
			t.Fatal("the server does not answer any more")
		}
	}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d swaps, %d requests run", swaps.Load(), runs.Load())
	if n := leaked.Load(); n > 0 {
		t.Errorf("a handler was given what lies outside %d times", n)
	}
	after := contents(t, outside)
	for name, data := range after {
		if before[name] != data {
			t.Errorf("outside, %s: %.100q, was %.100q", name, data, before[name])
		}
	}
	if len(after) < len(before) {
		t.Errorf("outside: %d of %d files were removed", len(before)-len(after), len(before))
	}
	for name, data := range contents(t, p.rpc()) {
		if strings.HasSuffix(name, ".response") && (strings.Contains(data, secret) || strings.Contains(data, "precious")) {
			t.Errorf("%s has what lies outside: %.200q", name, data)
		}
	}
}

// contents reads the regular files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A swapper swaps a folder, and files in it, for symbolic links. It follows none itself:
// it has the folder, and the one above, open.
type swapper struct {
	*testing.T
	chance     *rand.Rand
	above, own *os.Root
	name       string // of the folder, in the one above
	outside    string
	next       int
}

func newSwapper(t *testing.T, seed uint64, dir, outside string) *swapper {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	above, err := os.OpenRoot(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { above.Close(); own.Close() })
	return &swapper{t, rand.New(rand.NewPCG(*proofSeed, seed)), above, own, filepath.Base(dir), outside, 0}
}

// pause waits some microseconds, so that the server is at different points.
func (s *swapper) pause(most int) { time.Sleep(time.Duration(s.chance.IntN(most)) * time.Microsecond) }

func (s *swapper) swap() {
	s.next++
	// Ten names that exist outside as well, and new ones.
	stem := fmt.Sprint("x", s.chance.IntN(10))
	if s.chance.IntN(2) == 0 {
		stem = fmt.Sprint("y", s.next)
	}
	outside := fmt.Sprint("x", s.chance.IntN(10))
	switch s.chance.IntN(6) {
	case 0:
		s.folder()
	case 1: // a request becomes a link while it is found and read
		s.request(stem)
		s.pause(500)
		s.link(outside+".request", stem+".request")
	case 2: // a response is a link before the server writes it
		s.link(outside+[]string{".precious", ".missing"}[s.chance.IntN(2)], stem+".response")
		s.request(stem)
	case 3: // or while it does, or nudges it
		s.request(stem)
		s.pause(2000)
		s.link(outside+".precious", stem+".response")
	case 4: // an orphan
		s.link(outside+".precious", stem+".response")
		s.own.Remove(stem + ".request")
	default:
		s.request(stem)
		s.pause(500)
		s.own.Remove(stem + ".response")
	}
}

// request renames a file to the name of a request.
func (s *swapper) request(stem string) {
	body := bytes.Repeat([]byte("x"), s.chance.IntN(3000))
	data := envelope("/echo", map[string]any{"id": nil, "sender": s.name, "body": body})
	temp := fmt.Sprint("temp", s.next)
	if err := s.own.WriteFile(temp, data, 0o644); err != nil {
		s.Error(err)
	}
	if err := s.own.Rename(temp, stem+".request"); err != nil {
		s.Error(err)
	}
}

// link creates a link to a file outside the folder.
func (s *swapper) link(target, name string) {
	temp := fmt.Sprint("link", s.next)
	if err := s.own.Symlink(filepath.Join(s.outside, target), temp); err != nil {
		s.Error(err)
	}
	if err := s.own.Rename(temp, name); err != nil {
		s.Error(err)
	}
}

// folder briefly replaces the folder by a link to the folder outside.
func (s *swapper) folder() {
	if err := s.above.Rename(s.name, s.name+"-away"); err != nil {
		s.Error(err)
		return
	}
	if err := s.above.Symlink(s.outside, s.name); err != nil {
		s.Error(err)
	}
	s.pause(1000)
	s.above.Remove(s.name)
	// The server may not have recreated it.
	if err := s.above.Rename(s.name+"-away", s.name); err != nil {
		s.Error(err)
	}
}
