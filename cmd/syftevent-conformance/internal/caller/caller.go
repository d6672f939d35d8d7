// Package caller runs a client under test: a program that reads calls from standard
// input and makes them. Each call is a line of JSON, and so is its result:
//
//	{"call":"1","url":"syft://…","method":"POST","body":"<base64>","headers":{},"timeout_ms":30000}
//	{"call":"1","status":200,"body":"<base64>","took_ms":113.2,"error":"","resent":0}
//
// SYFTBOX_CLIENT_CONFIG_PATH names SyftBox's config file. The program makes all calls
// concurrently, and exits when standard input has ended and every call has a result.
// In a result, error says why there is no response, took_ms is the time from before the
// request is sent until the response is read, and resent is how often the client sent
// a lost request again.
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
	"strconv"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A Call is one call for the client to make.
type Call struct {
	// URL is the syft:// URL of the endpoint.
	URL string
	// Method is the method. Defaults to POST.
	Method string
	// Body is the body; nil means no body.
	Body    []byte
	Headers map[string]string
	// Timeout is how long the client waits for the response. Defaults to 30 s.
	Timeout time.Duration
}

// A Result is the response to a call, or the reason why it failed.
type Result struct {
	Status int
	Body   []byte
	// Took is the time from before the request was sent until the response was read.
	Took time.Duration
	// Resent is how often the client sent the request again.
	Resent int
	// Err says why there is no response.
	Err error
}

// A Client is a running client under test. Its methods may be called concurrently.
type Client struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	exited chan struct{} // closed when no more results come

	mu      sync.Mutex
	next    int
	waiting map[string]chan Result
	ended   error // why no more results come
}

type wireCall struct {
	Call      string            `json:"call"`
	URL       string            `json:"url"`
	Method    string            `json:"method"`
	Body      []byte            `json:"body"`
	Headers   map[string]string `json:"headers"`
	TimeoutMS float64           `json:"timeout_ms"`
}

type wireResult struct {
	Call   string  `json:"call"`
	Status int     `json:"status"`
	Body   []byte  `json:"body"`
	TookMS float64 `json:"took_ms"`
	Error  string  `json:"error"`
	Resent int     `json:"resent"`
}

// killDelay is how long descendants may hold the output open after a kill.
const killDelay = 5 * time.Second

// Start starts a client with the SyftBox config file at configPath. Its standard error
// goes to client-stderr.log in logDir. One goroutine reads the results and ends with
// the program.
func Start(command []string, configPath, logDir string) (*Client, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "SYFTBOX_CLIENT_CONFIG_PATH="+configPath)
	cmd.WaitDelay = killDelay
	target.OwnGroup(cmd)
	log, err := os.OpenFile(filepath.Join(logDir, "client-stderr.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	defer log.Close()
	cmd.Stderr = log
	c := &Client{cmd: cmd, exited: make(chan struct{}), waiting: map[string]chan Result{}}
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start client: %w", err)
	}
	go c.read(stdout)
	return c, nil
}

// maxLine limits a result line, in bytes.
const maxLine = 64 << 20

func (c *Client) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	var err error
	for err == nil && lines.Scan() {
		err = c.deliver(lines.Bytes())
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

func (c *Client) deliver(line []byte) error {
	var w wireResult
	if err := json.Unmarshal(line, &w); err != nil {
		return fmt.Errorf("read result %.200q: %w", line, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	result, ok := c.waiting[w.Call]
	if !ok {
		return fmt.Errorf("read result: no call %q is pending", w.Call)
	}
	delete(c.waiting, w.Call)
	r := Result{Status: w.Status, Body: w.Body, Took: time.Duration(w.TookMS * float64(time.Millisecond)), Resent: w.Resent}
	if w.Error != "" {
		r.Err = errors.New(w.Error)
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
	id := strconv.Itoa(c.next)
	line, err := json.Marshal(wireCall{
		Call: id, URL: call.URL, Method: call.Method, Body: call.Body, Headers: call.Headers,
		TimeoutMS: float64(call.Timeout) / float64(time.Millisecond),
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
