// Package caller runs a client under test by the contract of SPEC.md, Appendix A, for the
// experiments. It also reads two members of results that the contract does not have: took_ms is
// the time from before the request is sent until the call ends, and resent is how often the
// client sent a lost request again.
package caller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Settings are the environment of a client.
type Settings struct {
	// ConfigPath is SyftBox's config file.
	ConfigPath string
	// App is the name of the app.
	App string
	// Options become the JSON of SYFTEVENT_OPTIONS. Defaults to an empty object.
	Options map[string]any
	// LogDir is the directory that receives client-stderr.log.
	LogDir string
	// ReadyTimeout is how long the client may take to print its ready line. Defaults to 30 s.
	ReadyTimeout time.Duration
}

// A Call is one call for the client to make.
type Call struct {
	// URL is the syft:// URL of the endpoint.
	URL string
	// Method is the method. Defaults to POST.
	Method string
	// Body is the body; nil means no body.
	Body    []byte
	Headers map[string]string
	// Timeout is the time until the request expires. Defaults to 30 s.
	Timeout time.Duration
	// Cached makes a cached call. The client must declare the feature cached.
	Cached bool
}

// A Result is the response to a call, or the reason why it failed.
type Result struct {
	Status  int
	Headers map[string]string
	Body    []byte
	// Took is the time from before the request was sent until the call ended.
	Took time.Duration
	// Resent is how often the client sent the request again.
	Resent int
	// Code is the error code of the client, or "" if it has none.
	Code string
	// Err says why there is no response.
	Err error
}

// A Client is a running client under test. Its methods may be called concurrently.
type Client struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	ready  chan struct{} // closed when the client is ready
	exited chan struct{} // closed when no more results come

	mu      sync.Mutex
	next    int64
	waiting map[int64]chan Result
	ended   error // why no more results come
}

type wireCall struct {
	Call      int64             `json:"call"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body_base64"`
	ExpiresIn float64           `json:"expires_in"`
	Options   *wireOptions      `json:"options,omitempty"` // only for clients with the feature of an option
}

type wireOptions struct {
	Cached bool `json:"cached"`
}

type wireResult struct {
	Call    int64             `json:"call"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body_base64"`
	Error   string            `json:"error"`
	Detail  string            `json:"detail"`
	TookMS  float64           `json:"took_ms"`
	Resent  int               `json:"resent"`
}

// killDelay is how long descendants may hold the output open after a kill.
const killDelay = 5 * time.Second

// Start starts a client and waits until it is ready. If the client never is, it is killed. One
// goroutine reads the results and ends with the program.
func Start(ctx context.Context, command []string, settings Settings) (*Client, error) {
	c, err := start(command, settings)
	if err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	timeout := settings.ReadyTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if err := c.awaitReady(ctx, timeout); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

func start(command []string, settings Settings) (*Client, error) {
	options := []byte("{}")
	var err error
	if settings.Options != nil {
		if options, err = json.Marshal(settings.Options); err != nil {
			return nil, fmt.Errorf("encode options: %w", err)
		}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(),
		"SYFTEVENT_ROLE=client",
		"SYFTBOX_CLIENT_CONFIG_PATH="+settings.ConfigPath,
		"SYFTEVENT_APP="+settings.App,
		"SYFTEVENT_OPTIONS="+string(options),
	)
	cmd.WaitDelay = killDelay
	target.OwnGroup(cmd)
	log, err := os.OpenFile(filepath.Join(settings.LogDir, "client-stderr.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	c := &Client{cmd: cmd, ready: make(chan struct{}), exited: make(chan struct{}), waiting: map[int64]chan Result{}}
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go c.read(stdout)
	return c, nil
}

// awaitReady waits for the ready line.
func (c *Client) awaitReady(ctx context.Context, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	notReady := func(reason any) error {
		return fmt.Errorf("start client: not ready: %v (see client-stderr.log)", reason)
	}
	select {
	case <-c.ready:
		return nil
	case <-c.exited:
		return notReady(c.ended)
	case <-timer.C:
		return notReady(fmt.Sprintf("no ready line within %v", timeout))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// maxLine limits a result line, in bytes.
const maxLine = 64 << 20

func (c *Client) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	var err error
	for ready := false; err == nil && lines.Scan(); {
		if ready {
			err = c.deliver(lines.Bytes())
		} else if ready, err = isReady(lines.Bytes()); ready {
			close(c.ready)
		}
	}
	if err == nil {
		err = lines.Err()
	}
	if err != nil {
		target.KillGroup(c.cmd.Process)
	}
	waitErr := c.cmd.Wait()
	if err == nil {
		err = waitErr
	}
	if err == nil {
		err = errors.New("exited")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = fmt.Errorf("client under test: %w", err)
	for id, result := range c.waiting {
		result <- Result{Err: c.ended}
		delete(c.waiting, id)
	}
	close(c.exited)
}

// isReady reports whether a line is the ready line. It returns an error if it is that of a
// server.
func isReady(line []byte) (bool, error) {
	var ready struct {
		Ready bool   `json:"ready"`
		Role  string `json:"role"`
	}
	if json.Unmarshal(line, &ready) != nil || !ready.Ready {
		return false, nil
	}
	if ready.Role != "client" {
		return false, fmt.Errorf(`ready line %.200q: "role" is not "client"`, line)
	}
	return true, nil
}

// deliver passes a result to its call. It ignores a line without one.
func (c *Client) deliver(line []byte) error {
	var members struct {
		Call json.RawMessage `json:"call"`
	}
	if json.Unmarshal(line, &members) != nil || members.Call == nil {
		return nil
	}
	var w wireResult
	if err := json.Unmarshal(line, &w); err != nil {
		return fmt.Errorf("parse result %.200q: %w", line, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	result, ok := c.waiting[w.Call]
	if !ok {
		return fmt.Errorf("result %.200q: no call %d is pending", line, w.Call)
	}
	delete(c.waiting, w.Call)
	r := Result{
		Status: w.Status, Headers: w.Headers, Body: w.Body, Code: w.Error,
		Took: time.Duration(w.TookMS * float64(time.Millisecond)), Resent: w.Resent,
	}
	if w.Error != "" {
		r.Err = fmt.Errorf("%s: %s", w.Error, w.Detail)
	}
	result <- r
	return nil
}

// Go starts a call and returns a channel that receives its result.
func (c *Client) Go(call Call) <-chan Result {
	result := make(chan Result, 1)
	if call.Method == "" {
		call.Method = "POST"
	}
	if call.Timeout == 0 {
		call.Timeout = 30 * time.Second
	}
	if call.Headers == nil {
		call.Headers = map[string]string{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		result <- Result{Err: c.ended}
		return result
	}
	c.next++
	id := c.next
	var options *wireOptions
	if call.Cached {
		options = &wireOptions{Cached: true}
	}
	line, err := json.Marshal(wireCall{
		Call: id, Method: call.Method, URL: call.URL, Headers: call.Headers, Body: call.Body,
		ExpiresIn: call.Timeout.Seconds(), Options: options,
	})
	if err == nil {
		c.waiting[id] = result
		_, err = c.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		delete(c.waiting, id)
		result <- Result{Err: fmt.Errorf("write call: %w", err)}
	}
	return result
}

// Do makes a call and waits for its result.
func (c *Client) Do(ctx context.Context, call Call) Result {
	select {
	case result := <-c.Go(call):
		return result
	case <-ctx.Done():
		return Result{Err: context.Cause(ctx)}
	}
}

// Close closes the client's input and waits until it has exited. It kills the client
// after the grace period.
func (c *Client) Close(grace time.Duration) error {
	c.stdin.Close()
	select {
	case <-c.exited:
		return nil
	case <-time.After(grace):
		c.Kill()
		return fmt.Errorf("client under test: killed: still running %v after the end of input", grace)
	}
}

// Kill kills the client and its descendants.
func (c *Client) Kill() {
	select {
	case <-c.exited:
	default:
		target.KillGroup(c.cmd.Process)
		<-c.exited
	}
}
