package reference

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A Caller is a client under test, as package caller runs it.
type Caller struct {
	// Getenv looks up the environment variables of the contract.
	Getenv func(string) string
	// Stdin has one call a line. Stdout receives one result a line.
	Stdin  io.Reader
	Stdout io.Writer
}

// A callLine is a line of standard input.
type callLine struct {
	Call      string            `json:"call"`
	URL       string            `json:"url"`
	Method    string            `json:"method"`
	Body      []byte            `json:"body"`
	Headers   map[string]string `json:"headers"`
	TimeoutMS float64           `json:"timeout_ms"`
}

// A resultLine is a line of standard output.
type resultLine struct {
	Call   string  `json:"call"`
	Status int     `json:"status"`
	Body   []byte  `json:"body"`
	TookMS float64 `json:"took_ms"`
	Error  string  `json:"error"`
	Resent int     `json:"resent"`
}

// Run makes all calls concurrently. It returns when standard input has ended and every
// call has a result. Cancelling ctx cancels the calls.
func (c Caller) Run(ctx context.Context) error {
	client, err := syftevent.LoadClient(c.Getenv(syftevent.ConfigPathVariable))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		calls    sync.WaitGroup
		output   sync.Mutex
		writeErr error
	)
	lines := bufio.NewScanner(c.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line callLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("read call: %w", err)
		}
		calls.Go(func() {
			text, err := json.Marshal(call(ctx, client, line))
			output.Lock()
			defer output.Unlock()
			if err == nil {
				_, err = fmt.Fprintf(c.Stdout, "%s\n", text)
			}
			if err != nil && writeErr == nil {
				writeErr = fmt.Errorf("write result of call %s: %w", line.Call, err)
				cancel()
			}
		})
	}
	calls.Wait()
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read calls: %w", err)
	}
	return writeErr
}

// expiryGrace gives the client time to report that a request has expired.
const expiryGrace = 2 * time.Second

func call(ctx context.Context, client *syftevent.Client, line callLine) resultLine {
	result := resultLine{Call: line.Call}
	timeout := time.Duration(line.TimeoutMS * float64(time.Millisecond))
	if timeout <= 0 {
		timeout = syftevent.DefaultExpiry
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+expiryGrace)
	defer cancel()
	failed := func(err error) resultLine {
		result.Error = err.Error()
		return result
	}
	var body any
	if line.Body != nil {
		body = line.Body
	}
	req, err := syftevent.NewRequest(line.Method, line.URL, body)
	if err != nil {
		return failed(err)
	}
	for name, value := range line.Headers {
		req.Headers.Set(name, value)
	}
	req.Expires = req.Created.Add(timeout)
	began := time.Now()
	future, err := client.Send(ctx, req)
	if err != nil {
		return failed(err)
	}
	response, err := future.Wait(ctx)
	result.TookMS = float64(time.Since(began)) / float64(time.Millisecond)
	if f, ok := any(future).(interface{ Resent() int }); ok {
		result.Resent = f.Resent()
	}
	if err != nil {
		return failed(err)
	}
	result.Status, result.Body = response.StatusCode, response.Body
	return result
}
