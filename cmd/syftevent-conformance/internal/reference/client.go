package reference

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A Caller is a client under test. Its results have two additional members, which the suite
// ignores and the experiments need: took_ms is the time from before the request is sent until
// the call ends, and resent is how often the client sent the request again.
type Caller struct {
	// Version is the version in the ready line.
	Version string
	// Getenv looks up the environment variables of the contract.
	Getenv func(string) string
	// Stdin has one call a line.
	Stdin io.Reader
	// Stdout receives the ready line, and one result a line.
	Stdout io.Writer
}

// A callLine is a line of standard input.
type callLine struct {
	Call      *int64            `json:"call"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body_base64"`
	ExpiresIn *float64          `json:"expires_in"` // nil means the library's default
	Options   struct {
		Cached bool `json:"cached"`
	} `json:"options"`
}

// A resultLine is a line of standard output. Either the response or the failure is nil.
type resultLine struct {
	Call int64 `json:"call"`
	*response
	*failure
	TookMS float64 `json:"took_ms"`
	Resent int     `json:"resent"`
}

type response struct {
	Status  int               `json:"status"`
	Headers syftevent.Headers `json:"headers"`
	Body    []byte            `json:"body_base64"`
}

type failure struct {
	Error  string `json:"error"`
	Detail string `json:"detail"`
}

// Run prints the ready line and makes all calls concurrently. It returns when standard input
// has ended and every call has a result, or when ctx is canceled, which abandons the calls. It
// returns a one-line error if the environment, SyftBox's config or a call is malformed.
func (c Caller) Run(ctx context.Context) error {
	o, err := parseOptions(c.Getenv)
	if err != nil {
		return err
	}
	client, err := syftevent.LoadClient(c.Getenv(syftevent.ConfigPathVariable))
	if err != nil {
		return err
	}
	client.MaxResponseSize = o.MaxResponseSize
	if err := c.printReady(client); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		calls    sync.WaitGroup
		output   sync.Mutex
		writeErr error
	)
	write := func(result resultLine) {
		output.Lock()
		defer output.Unlock()
		if err := printLine(c.Stdout, result); err != nil && writeErr == nil {
			writeErr = fmt.Errorf("write result of call %d: %w", result.Call, err)
			cancel()
		}
	}
	lines, ended := make(chan callLine), make(chan error, 1)
	// This goroutine ends with standard input or with the program.
	go func() { ended <- readCalls(ctx, c.Stdin, lines) }()
	for reading := true; reading; {
		select {
		case line := <-lines:
			calls.Go(func() { write(call(ctx, client, line)) })
		case err = <-ended:
			reading = false
		case <-ctx.Done():
			reading = false
		}
	}
	if err != nil {
		cancel()
	}
	calls.Wait()
	if err == nil {
		err = writeErr
	}
	return err
}

// maxLine limits the line of a call, in bytes.
const maxLine = 64 << 20

// readCalls parses calls until standard input or ctx ends.
func readCalls(ctx context.Context, stdin io.Reader, calls chan<- callLine) error {
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var line callLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("parse call %.200q: %w", lines.Bytes(), err)
		}
		if line.Call == nil {
			return fmt.Errorf("parse call %.200q: %q is missing", lines.Bytes(), "call")
		}
		select {
		case calls <- line:
		case <-ctx.Done():
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read calls: %w", err)
	}
	return nil
}

const (
	// pollInterval is the longest pause of the library between two checks for a response, as
	// the documentation of [syftevent.Future.Wait] says. No option changes it.
	pollInterval = 250 * time.Millisecond
	// resendDelay is how long a request must be missing before the library resends it.
	resendDelay = time.Second
)

func (c Caller) printReady(client *syftevent.Client) error {
	ready := map[string]any{
		"ready":          true,
		"role":           "client",
		"implementation": implementation,
		"version":        c.Version,
		"features":       []string{"cached"},
		"poll_ms":        milliseconds(pollInterval),
		"settle_ms":      milliseconds(syftevent.DefaultSettleTime),
		"resend_ms":      milliseconds(resendDelay),
	}
	switch {
	case client.MaxResponseSize > 0:
		ready["max_response_size"] = client.MaxResponseSize
	case client.MaxResponseSize == 0:
		ready["max_response_size"] = syftevent.DefaultMaxResponseSize
	}
	return printLine(c.Stdout, ready)
}

// call makes one call.
func call(ctx context.Context, client *syftevent.Client, line callLine) (result resultLine) {
	result.Call = *line.Call
	failed := func(code string, err error) resultLine {
		result.failure = &failure{code, err.Error()}
		return result
	}
	req, err := newRequest(line)
	if err != nil {
		return failed("invalid", err)
	}
	var options []syftevent.SendOption
	if line.Options.Cached {
		options = append(options, syftevent.Cached())
	}
	began := time.Now()
	future, err := client.Send(ctx, req, options...)
	if err != nil {
		return failed(sendErrorCode(err), err)
	}
	// It does nothing unless ctx has ended.
	defer future.Cancel()
	got, err := future.Wait(ctx)
	result.TookMS, result.Resent = milliseconds(time.Since(began)), future.Resent()
	if err != nil {
		return failed(errorCode(err), err)
	}
	result.response = &response{got.StatusCode, got.Headers, got.Body}
	if got.Headers == nil {
		result.response.Headers = syftevent.Headers{}
	}
	return result
}

// newRequest returns the request of a call.
func newRequest(line callLine) (*syftevent.Request, error) {
	var body any // a nil []byte in it would be a body
	if line.Body != nil {
		body = line.Body
	}
	req, err := syftevent.NewRequest(line.Method, line.URL, body)
	if err != nil {
		return nil, err
	}
	for name, value := range line.Headers {
		req.Headers[name] = value
	}
	if line.ExpiresIn != nil {
		expiry := *line.ExpiresIn * float64(time.Second)
		if expiry < 0 || expiry >= math.MaxInt64 {
			return nil, fmt.Errorf("expires_in %v is out of range", *line.ExpiresIn)
		}
		req.Expires = req.Created.Add(time.Duration(expiry))
	}
	return req, nil
}

// errorCode returns the error code of a call whose request was sent.
func errorCode(err error) string {
	for _, known := range []struct {
		err  error
		code string
	}{
		{syftevent.ErrRejected, "rejected"},
		{syftevent.ErrExpired, "expired"},
		{syftevent.ErrNotFound, "not-found"},
		{syftevent.ErrBadResponse, "bad-response"},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return "other"
}

// sendErrorCode returns the error code of a call whose request was not sent. The library has
// no error of its own for invalid fields, so whatever the file system did not cause is one.
func sendErrorCode(err error) string {
	var (
		pathError *fs.PathError
		linkError *os.LinkError
	)
	switch {
	case errors.As(err, &pathError), errors.As(err, &linkError),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "other"
	}
	return "invalid"
}
