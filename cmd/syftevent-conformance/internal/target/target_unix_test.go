//go:build unix

package target

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const readyLine = `{"ready":true,"implementation":"sh","version":"1","features":[],"poll_ms":10}`

// startShell starts a shell script as the server.
func startShell(t *testing.T, script string) (*Process, error) {
	t.Helper()
	return Start(t.Context(), Command{Args: []string{"sh", "-c", script}, ReadyTimeout: 20 * time.Second}, Settings{LogDir: t.TempDir()})
}

// alive reports whether a process runs. A zombie does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || !strings.Contains(string(status), ") Z ")
}

// A descendant that holds the output open does not block Kill and Stop.
func TestStopAndKillEndDescendants(t *testing.T) {
	for name, end := range map[string]func(*Process){
		"kill": func(p *Process) { p.Kill() },
		"stop": func(p *Process) {
			if err := p.Stop(20 * time.Second); err != nil {
				t.Error(err)
			}
		},
	} {
		pidFile := filepath.Join(t.TempDir(), "pid")
		// The descendant ignores the signal that stops the server.
		p, err := startShell(t, `(trap '' TERM; exec sleep 1000) & echo $! >`+pidFile+`; echo '`+readyLine+`'; read line; exit 0`)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		end(p)
		if !p.Exited() {
			t.Errorf("%s: the server still runs", name)
		}
		for deadline := time.Now().Add(20 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the descendant still runs", name)
			}
		}
	}
}

func TestKillPreventsGracefulShutdown(t *testing.T) {
	for range 20 {
		stopped := filepath.Join(t.TempDir(), "stopped")
		p, err := startShell(t, `echo '`+readyLine+`'; read line; : >`+stopped)
		if err != nil {
			t.Fatal(err)
		}
		p.Kill()
		if _, err := os.Stat(stopped); err == nil {
			t.Fatal("the server shut down gracefully")
		}
	}
}

func TestStopKillsAServerThatIgnoresIt(t *testing.T) {
	p, err := startShell(t, `trap '' TERM; echo '`+readyLine+`'; while :; do sleep 1; done`)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(50 * time.Millisecond); !errors.Is(err, ErrIgnoredStop) || !p.Exited() {
		t.Errorf("%v, exited %v", err, p.Exited())
	}
}

func TestManyLogLinesDoNotBlockServer(t *testing.T) {
	p, err := startShell(t, `yes 'not the line' | head -n 300000; yes log | head -n 300000 >&2; echo '`+readyLine+`'; read line`)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if tail := p.StderrTail(); len(tail) > tailSize || !strings.HasSuffix(tail, "log") {
		t.Errorf("%d bytes of tail", len(tail))
	}
	if ready := p.Ready(); ready.Implementation != "sh" || ready.Poll() != 10*time.Millisecond || ready.Settle() != 2*time.Second {
		t.Errorf("%+v", ready)
	}
}

func TestStartRefusesMalformedReadyLines(t *testing.T) {
	for line, want := range map[string]string{
		`{"ready":true,"implementation":"x","version":"1","features":[]}`:                `lacks "poll_ms"`,
		`{"ready":true,"implementation":"x","version":"1","features":[],"poll_ms":0}`:    `"poll_ms" must be more than 0`,
		`{"ready":true,"implementation":"x","version":"1","features":"all","poll_ms":1}`: "malformed ready line",
		`{"ready":true,"implementation":7,"version":"1","features":[],"poll_ms":1}`:      "malformed ready line",
		`{"ready":true,"version":"1","features":[],"poll_ms":1}`:                         `lacks "implementation"`,
	} {
		p, err := startShell(t, "echo '"+line+"'; read line")
		var notReady *NotReadyError
		if !errors.As(err, &notReady) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", line, p, err, want)
		}
	}
}

func TestMissingOptionsBecomeEmptyObject(t *testing.T) {
	p, err := startShell(t, `echo "$SYFTEVENT_OPTIONS" >&2; echo '`+readyLine+`'; read line`)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if got := p.StderrTail(); got != "{}" {
		t.Errorf("options %s", got)
	}
}

// A server may ignore the signal or the end of input, so each must work alone.
func TestStopBySignalOrInput(t *testing.T) {
	for name, test := range map[string]struct {
		trap        string // set before the server is ready
		script      string
		bySignal    bool
		wantIgnored bool
	}{
		"signal":          {"", "while :; do sleep 0.01; done", true, false},
		"signal, ignored": {"trap '' TERM; ", "cat", true, true},
		"input":           {"trap '' TERM; ", "cat", false, false},
		"input, ignored":  {"", "while :; do sleep 1; done", false, true},
	} {
		p, err := startShell(t, test.trap+"echo '"+readyLine+"'; "+test.script)
		if err != nil {
			t.Fatal(err)
		}
		stop, grace := p.StopByInput, 20*time.Second
		if test.bySignal {
			stop = p.StopBySignal
		}
		if test.wantIgnored {
			grace = 50 * time.Millisecond
		}
		if err := stop(grace); errors.Is(err, ErrIgnoredStop) != test.wantIgnored || !p.Exited() {
			t.Errorf("%s: %v, exited %v", name, err, p.Exited())
		}
	}
}

// A line that is longer than a pipe holds does not block the suspension of its reader.
func TestSuspendedClientReadsLinesWhenResumed(t *testing.T) {
	p, err := startShell(t, `echo '`+readyLine+`'; exec cat`)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if err := p.Suspend(); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{bytes.Repeat([]byte("a"), 1<<20), []byte("b")}
	for _, line := range want {
		if err := p.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for deadline := time.Now().Add(20 * time.Second); len(got) < len(want); time.Sleep(time.Millisecond) {
		lines, err := p.Lines()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, lines...)
		if time.Now().After(deadline) {
			t.Fatalf("read %d lines, want %d", len(got), len(want))
		}
	}
	for n := range want {
		if !bytes.Equal(got[n], want[n]) {
			t.Errorf("line %d has %d bytes, want %d", n, len(got[n]), len(want[n]))
		}
	}
}
