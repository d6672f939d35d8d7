package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// The proofs run the reference as a process and expose it to outages, kills and load. By
// default they are small; -proof runs them at full size.
var (
	fullProof = flag.Bool("proof", false, "run the proofs at their full size, which takes minutes")
	proofSeed = flag.Uint64("proofseed", 1, "seed of the random decisions of the proofs")
)

// sized returns the count for a small or a full-size proof.
func sized(full, small int) int {
	if *fullProof {
		return full
	}
	return small
}

// A proof is a datasite with a reference server in a process of its own.
type proof struct {
	*testing.T
	replica *fakebox.Replica
	dir     string
	options map[string]any
	process *target.Process
	chance  *rand.Rand
	next    int
}

func newProof(t *testing.T, options map[string]any) *proof {
	t.Logf("seed %d", *proofSeed)
	box := fakebox.New(t, fakebox.Config{Seed: *proofSeed})
	p := &proof{
		T: t, replica: box.Join(script.Examples.Server), dir: t.TempDir(), options: options,
		chance: rand.New(rand.NewPCG(*proofSeed, 0)),
	}
	t.Cleanup(func() {
		if p.process != nil {
			p.process.Kill()
		}
	})
	return p
}

func (p *proof) start() {
	p.Helper()
	self, err := os.Executable()
	if err != nil {
		p.Fatal(err)
	}
	p.process, err = target.Start(p.Context(), target.Command{Args: []string{self, "serve"}, ReadyTimeout: time.Minute}, target.Settings{
		ConfigPath: p.replica.ConfigPath(), App: script.Examples.App, Options: p.options, RecordPath: p.record(), LogDir: p.dir,
	})
	if err != nil {
		p.Fatalf("%v\n%s", err, p.log())
	}
}

func (p *proof) log() string {
	data, _ := os.ReadFile(filepath.Join(p.dir, "stderr.log"))
	return string(data[max(0, len(data)-4000):])
}

func (p *proof) record() string { return filepath.Join(p.dir, "record.log") }
func (p *proof) rpc() string {
	return filepath.Join(p.replica.Datasite(), "app_data", script.Examples.App, "rpc")
}

// folder creates the folder of a sender and returns its path.
func (p *proof) folder(endpoint, sender string) string {
	p.Helper()
	folder := filepath.Join(p.rpc(), endpoint, sender)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.Fatal(err)
	}
	return folder
}

// request returns a new request of a sender, and its stem.
func (p *proof) request(endpoint, sender string, body []byte) (stem string, data []byte) {
	p.Helper()
	stem = fmt.Sprintf("5f5b153c-d742-4027-8091-%012x", p.next)
	p.next++
	return stem, p.envelope(stem, endpoint, sender, body)
}

func (p *proof) envelope(stem, endpoint, sender string, body []byte) []byte {
	data, err := json.Marshal(map[string]any{
		"id": stem, "sender": sender, "method": "POST", "body": body,
		"url":     fmt.Sprintf("syft://%s/app_data/%s/rpc/%s", script.Examples.Server, script.Examples.App, endpoint),
		"headers": map[string]string{"n": stem},
	})
	if err != nil {
		panic(err) // of strings: never
	}
	return data
}

// drop delivers a request as SyftBox's WebSocket does, and returns its path without
// the suffix.
func (p *proof) drop(endpoint, sender string) string {
	p.Helper()
	stem, data := p.request(endpoint, sender, []byte("hello"))
	temp := filepath.Join(p.dir, stem)
	name := filepath.Join(p.folder(endpoint, sender), stem)
	if err := errors.Join(os.WriteFile(temp, data, 0o600), os.Rename(temp, name+".request")); err != nil {
		p.Fatal(err)
	}
	return name
}

// A response is the part of a response that the proofs check.
type response struct {
	ID     string `json:"id"`
	Status int    `json:"status_code"`
	Body   string `json:"body"` // base64
}

// responseTo reads the response beside a request, and reports whether it exists. An
// incomplete response fails the proof.
func (p *proof) responseTo(name string) (r response, ok bool) {
	p.Helper()
	data, err := os.ReadFile(name + ".response")
	if errors.Is(err, fs.ErrNotExist) {
		return r, false
	}
	if err != nil {
		p.Error(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		p.Errorf("the response to %s is not whole: %v: %q", name, err, data)
	}
	return r, true
}

// proofPatience is how long a response may take.
const proofPatience = 2 * time.Minute

// await waits for the response to a request.
func (p *proof) await(name string) response {
	p.Helper()
	r, ok := p.tryAwait(name)
	if !ok {
		p.Fatalf("no response to %s; the server is %s\n%s", name, p.process.Status(), p.log())
	}
	return r
}

// tryAwait is like await, for goroutines other than the test's.
func (p *proof) tryAwait(name string) (response, bool) {
	for began := time.Now(); time.Since(began) < proofPatience && !p.process.Exited(); time.Sleep(2 * time.Millisecond) {
		if r, ok := p.responseTo(name); ok {
			return r, true
		}
	}
	return response{}, false
}

// noLeftovers is tidyBelow for the folder "rpc".
func (p *proof) noLeftovers() {
	p.Helper()
	p.tidyBelow(p.rpc())
}

// tidyBelow checks that no temporary file is left below a folder, and that each response
// has its request beside it.
func (p *proof) tidyBelow(dir string) {
	p.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch stem, isResponse := strings.CutSuffix(name, ".response"); {
		case strings.HasSuffix(name, ".tmp"):
			p.Errorf("a temporary file is left: %s", name)
		case isResponse:
			if _, err := os.Lstat(stem + ".request"); err != nil {
				p.Errorf("response without a request: %v", err)
			}
		}
		return nil
	})
	if err != nil {
		p.Error(err)
	}
}
