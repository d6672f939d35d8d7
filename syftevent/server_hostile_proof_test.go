//go:build linux

package syftevent_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests named TestProof... run a server in a process of its own and expose it to a
// hostile sender, exhausted resources or a power loss. By default they are small; with
// -proof they run at full size, which takes minutes.
var (
	proofTime = flag.Duration("prooftime", 0, "how long each proof that repeats something goes on (default 30s with -proof, 500ms without)")
	proofSeed = flag.Uint64("proofseed", 1, "what the proofs leave to chance")
)

// proofDuration is how long a proof repeats something.
func proofDuration() time.Duration {
	switch {
	case *proofTime > 0:
		return *proofTime
	case *fullProof:
		return 30 * time.Second
	}
	return 500 * time.Millisecond
}

// proofPatience is how long an answer may take on a busy machine.
const proofPatience = 90 * time.Second

// A proof is a datasite and its server processes.
type proof struct {
	*testing.T
	settings proofSettings
	next     int
	child    *proofChild
	// The child is a test of another name, with another variable. "" means that of proofs.
	test, environment string
}

// newProof returns a proof in dataDir, or in a temporary folder if dataDir is "". It skips the
// test with -short unless -proof is set.
func newProof(t *testing.T, dataDir string) *proof {
	t.Helper()
	if testing.Short() && !*fullProof {
		t.Skip("a proof is not short")
	}
	if !*fullProof {
		t.Parallel()
	}
	return newProofAlone(t, dataDir)
}

// newProofAlone is newProof for a test that does not run beside others.
func newProofAlone(t *testing.T, dataDir string) *proof {
	t.Helper()
	if testing.Short() && !*fullProof {
		t.Skip("a proof is not short")
	}
	if dataDir == "" {
		dataDir = t.TempDir()
	}
	p := &proof{T: t, settings: proofSettings{DataDir: dataDir, Record: filepath.Join(t.TempDir(), "record")}}
	t.Cleanup(func() {
		if p.child != nil {
			p.child.kill()
		}
	})
	return p
}

func (p *proof) rpc() string {
	return filepath.Join(p.settings.DataDir, "datasites", serverEmail, filepath.FromSlash(rpcPath))
}

// A letter is a request that was written.
type letter struct {
	endpoint, sender, id string
	name                 string // of the file, without the suffix
}

// write writes the next request of a sender directly under its final name.
func (p *proof) write(endpoint, sender string, members map[string]any) letter {
	p.Helper()
	id := fmt.Sprintf("r%06d", p.next)
	all := map[string]any{"id": id, "sender": sender}
	for name, value := range members {
		all[name] = value
	}
	return p.writeFile(endpoint, sender, envelope("/"+endpoint, all))
}

// writeFile writes any bytes as the next request of a sender.
func (p *proof) writeFile(endpoint, sender string, data []byte) letter {
	p.Helper()
	id := fmt.Sprintf("r%06d", p.next)
	p.next++
	l := letter{endpoint, sender, id, filepath.Join(p.rpc(), endpoint, sender, id)}
	temp := filepath.Join(p.settings.DataDir, id)
	err := errors.Join(os.MkdirAll(filepath.Dir(l.name), 0o755), os.WriteFile(temp, data, 0o644))
	if err = errors.Join(err, os.Rename(temp, l.name+".request")); err != nil {
		p.Fatal(err)
	}
	return l
}

// read returns the response to a letter, or nil if there is none. An incomplete response fails
// the proof.
func (p *proof) read(l letter) []byte {
	p.Helper()
	data, err := os.ReadFile(l.name + ".response")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		p.Error(err)
		return nil
	case !json.Valid(data) || statusIn(data) == 0:
		p.Errorf("the response to %s is not whole: %d bytes, %.100q", l.name, len(data), data)
		return nil
	}
	return data
}

// await waits for the response to a letter and returns its status.
func (p *proof) await(l letter) int {
	p.Helper()
	for began := time.Now(); time.Since(began) < proofPatience; time.Sleep(2 * time.Millisecond) {
		if data := p.read(l); data != nil {
			return statusIn(data)
		}
		if p.child.ended() {
			p.Fatalf("the server has ended, without a response to %s:\n%s", l.name, p.child.log())
		}
	}
	p.Fatalf("no response to %s after %v\n%s", l.name, proofPatience, p.child.log())
	return 0
}

// awaitAll waits for the responses to letters and checks their status.
func (p *proof) awaitAll(status int, letters []letter) {
	p.Helper()
	for _, l := range letters {
		if got := p.await(l); got != status {
			p.Fatalf("%s: status %d, want %d", l.name, got, status)
		}
	}
}

// until waits for a condition.
func (p *proof) until(what string, holds func() bool) {
	p.Helper()
	for began := time.Now(); time.Since(began) < proofPatience; time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
		if p.child.ended() {
			p.Fatalf("the server has ended; waiting until %s:\n%s", what, p.child.log())
		}
	}
	left := p.unanswered()
	p.Fatalf("waited in vain until %s; %d unanswered, such as %q\n%s", what, len(left), left[:min(len(left), 3)], p.child.log())
}

// unanswered returns the requests without a file that has the name of their response.
func (p *proof) unanswered() []string {
	p.Helper()
	var names []string
	requests, err := filepath.Glob(filepath.Join(p.rpc(), "*", "*", "*.request"))
	if err != nil {
		p.Fatal(err)
	}
	for _, name := range requests {
		if _, err := os.Lstat(strings.TrimSuffix(name, ".request") + ".response"); err != nil {
			names = append(names, name)
		}
	}
	return names
}

// runs returns how often each request was run, by its id.
func (p *proof) runs() map[string]int {
	p.Helper()
	data, err := os.ReadFile(p.settings.Record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Fatal(err)
	}
	runs := map[string]int{}
	for line := range strings.Lines(string(data)) {
		runs[strings.TrimSpace(line)]++
	}
	return runs
}

// A proofChild is a server in a process of its own.
type proofChild struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	replies chan string
	exited  chan struct{}
	logName string
	once    sync.Once
}

// proofReply begins the lines that the child writes to its parent.
const proofReply = "proof: "

// launch starts a server, which may end before it is ready.
func (p *proof) launch() *proofChild {
	p.Helper()
	settings, err := json.Marshal(p.settings)
	if err != nil {
		p.Fatal(err)
	}
	logFile, err := os.OpenFile(p.settings.Record+".log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		p.Fatal(err)
	}
	defer logFile.Close()
	cmd := exec.Command(os.Args[0], "-test.run="+cmp.Or(p.test, "^TestProofServerProcess$"), "-test.timeout=0")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=")
	}), cmp.Or(p.environment, proofVariable+"="+string(settings)))
	cmd.Stderr = logFile
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	c := &proofChild{cmd: cmd, stdin: stdin, replies: make(chan string, 100), exited: make(chan struct{}), logName: logFile.Name()}
	go func() {
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			if reply, ok := strings.CutPrefix(scanner.Text(), proofReply); ok {
				c.replies <- reply
			}
		}
		cmd.Wait()
		close(c.exited)
	}()
	p.child = c
	return c
}

// start starts a server and waits until it is ready.
func (p *proof) start() {
	p.Helper()
	if c := p.launch(); c.reply() != "ready" {
		p.Fatalf("the server has not started:\n%s", c.log())
	}
}

// reply returns the next line of the child, "" if it ends without.
func (c *proofChild) reply() string {
	select {
	case reply := <-c.replies:
		return reply
	case <-c.exited:
		return ""
	case <-time.After(proofPatience):
		return "no reply"
	}
}

// ask sends the child a line and returns its reply.
func (c *proofChild) ask(line string) string {
	if _, err := fmt.Fprintln(c.stdin, line); err != nil {
		return err.Error()
	}
	return c.reply()
}

func (c *proofChild) kill() { c.cmd.Process.Kill(); <-c.exited }

// stop ends the child as a service manager does.
func (c *proofChild) stop() { c.once.Do(func() { c.stdin.Close() }); <-c.exited }

func (c *proofChild) ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

func (c *proofChild) log() string {
	data, _ := os.ReadFile(c.logName)
	return string(data[max(0, len(data)-3000):])
}

// raceDetector reports whether these tests were built with the race detector, whose
// memory says nothing of the server's.
func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-race" && s.Value == "true"
	})
}
