package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the program, too: testscript.Main puts it into PATH as "syftevent".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"syftevent": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: filepath.Join("testdata", "scripts")})
}

// A result is the outcome of a command line.
type result struct {
	status         int
	stdout, stderr string
}

// run runs a command line in this process.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith is run with standard input.
func runWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	status := command(t.Context(), args, stdio{strings.NewReader(stdin), &out, &errs})
	return result{status, out.String(), errs.String()}
}

// want checks the status, and that stderr is empty or one line with a text.
func (r result) want(t *testing.T, what string, status int, stdout, stderr string) {
	t.Helper()
	if r.status != status || r.stdout != stdout {
		t.Errorf("%s: exit %d, %q, want %d, %q\n%s", what, r.status, r.stdout, status, stdout, r.stderr)
	}
	if stderr == "" && r.stderr != "" || stderr != "" && (strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "syftevent: ")) || !strings.Contains(r.stderr, stderr) {
		t.Errorf("%s: standard error %q, want one line with %q", what, r.stderr, stderr)
	}
}

// A transcript is an output that other goroutines can read.
type transcript struct {
	terminal bool

	mu   sync.Mutex
	text bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *transcript) IsTerminal() bool { return o.terminal }

// waitFor waits until the output contains a text.
func (o *transcript) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the output "+text, func() bool { return strings.Contains(o.String(), text) })
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// A background command runs in this process until the test cancels it.
type background struct {
	stdout, stderr *transcript
	cancel         context.CancelFunc
	status         chan int
}

// start starts a command line.
func start(t *testing.T, args ...string) *background {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	b := &background{stdout: &transcript{}, stderr: &transcript{}, cancel: cancel, status: make(chan int, 1)}
	go func() { b.status <- command(ctx, args, stdio{strings.NewReader(""), b.stdout, b.stderr}) }()
	t.Cleanup(func() {
		cancel()
		b.status <- <-b.status // also if the test has received it
	})
	return b
}

// stop cancels the command and returns its exit status.
func (b *background) stop() int {
	b.cancel()
	status := <-b.status
	b.status <- status
	return status
}

func contains(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not contain %q:\n%s", what, want, text)
		}
	}
}

// filesBelow returns the paths below a folder whose names have a suffix.
func filesBelow(t *testing.T, dir string, suffixes ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // removed meanwhile
		}
		for _, suffix := range suffixes {
			if err == nil && strings.HasSuffix(name, suffix) {
				found = append(found, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
