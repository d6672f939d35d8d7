package experiment

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

var proxyExperiments = []Experiment{
	{
		Name: "http-proxy", Isolation: Shared, Python: true, Command: true, Library: true,
		Want: "'syftevent call' gets files of Python's http.server through 'syftevent serve'",
		run:  proxyServesFiles,
	},
}

// listening finds the port in what http.server prints.
var listening = regexp.MustCompile(`port ([0-9]+)`)

func proxyServesFiles(ctx context.Context, t *trial) error {
	want := body(20_000, "proxied")
	files := filepath.Join(t.dir, "files")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(files, "file.txt"), want, 0o644); err != nil {
		return err
	}
	line, stop, err := t.startService(ctx, t.config.PythonServer[0], "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", files, "0")
	if err != nil {
		return err
	}
	defer stop()
	port := listening.FindStringSubmatch(line)
	if port == nil {
		return fmt.Errorf("http.server printed %q, no port", line)
	}
	_, stop, err = t.startService(ctx, t.config.Command, "serve", "-config", t.network.ConfigPath(Bob), "-app", t.app, "-to", "http://127.0.0.1:"+port[1])
	if err != nil {
		return err
	}
	defer stop()
	var took []time.Duration
	for range t.size(4, 20) {
		began := time.Now()
		got, status, err := t.callOnce(ctx, "file.txt")
		if err != nil {
			return err
		}
		if status != 0 || !bytes.Equal(got, want) {
			return failf("exit status %d, a body of %d bytes, want 0 and %d", status, len(got), len(want))
		}
		took = append(took, time.Since(began).Round(time.Millisecond))
	}
	t.saw("200 in %v", took)
	_, status, err := t.callOnce(ctx, "no-such-file.txt")
	if err != nil {
		return err
	}
	t.saw("404 is exit status %d", status)
	if status != statusNotFound {
		return failf("exit status %d for a missing file, want %d", status, statusNotFound)
	}
	return nil
}

// statusNotFound is the exit status of "syftevent call -f" after a response such as 404.
const statusNotFound = 22

// callOnce calls an endpoint of the app as alice and returns the output and the exit status.
func (t *trial) callOnce(ctx context.Context, endpoint string) (stdout []byte, status int, err error) {
	cmd := exec.CommandContext(ctx, t.config.Command, "call", "-config", t.network.ConfigPath(Alice), "-f", "-timeout", callTimeout.String(), t.url(endpoint))
	stdout, err = cmd.Output()
	if exited := (*exec.ExitError)(nil); errors.As(err, &exited) {
		return stdout, exited.ExitCode(), nil
	}
	return stdout, 0, err
}

// startService starts a program and waits for its first line. Its log is service.log. The returned
// function kills the program and its descendants.
func (t *trial) startService(ctx context.Context, name string, args ...string) (line string, stop func(), err error) {
	cmd := exec.Command(name, args...)
	target.OwnGroup(cmd)
	cmd.WaitDelay = stopGrace
	log, err := os.OpenFile(filepath.Join(t.dir, "service.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		target.KillGroup(cmd.Process)
		cmd.Wait()
	}
	lines := make(chan string, 1)
	// This goroutine ends with the program.
	go func() {
		first, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- first
	}()
	timer := time.NewTimer(readyTimeout)
	defer timer.Stop()
	select {
	case line = <-lines:
		if line != "" {
			return line, stop, nil
		}
		err = errors.New("it ended")
	case <-timer.C:
		err = errTimeout
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	stop()
	return "", nil, fmt.Errorf("start %s: %w (see service.log)", filepath.Base(name), err)
}
