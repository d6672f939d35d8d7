package boxscript

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// waitUntil returns the deadline of a wait that begins now.
func waitUntil(ts *testscript.TestScript) (time.Time, error) {
	timeout := 10 * time.Second
	if text := ts.Getenv("BOX_TIMEOUT"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil {
			return time.Time{}, fmt.Errorf("$BOX_TIMEOUT: %w", err)
		}
	}
	return time.Now().Add(timeout), nil
}

// waits are the flags of "box wait", which exclude each other. Without one, it waits for the
// response.
var waits = map[string]func(*Call, time.Time) error{
	"arrived":    func(c *Call, deadline time.Time) error { return c.awaitRequest(deadline, true) },
	"gone":       func(c *Call, deadline time.Time) error { return c.awaitRequest(deadline, false) },
	"written":    (*Call).awaitWritten,
	"lost":       (*Call).awaitLost,
	"rejected":   (*Call).awaitRejected,
	"unanswered": (*Call).awaitNothing,
}

const waitUsage = "usage: box wait [-arrived | -gone | -written | -lost | -rejected | -unanswered] NAME..."

func (n *Network) commandWait(ts *testscript.TestScript, args []string) error {
	flags := newFlags("wait")
	var chosen []func(*Call, time.Time) error
	for name, wait := range waits {
		flags.BoolFunc(name, "", func(string) error {
			chosen = append(chosen, wait)
			return nil
		})
	}
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box wait: %w", err)
	}
	if flags.NArg() == 0 || len(chosen) > 1 {
		return errors.New(waitUsage)
	}
	deadline, err := waitUntil(ts)
	if err != nil {
		return fmt.Errorf("box wait: %w", err)
	}
	for _, name := range flags.Args() {
		call, err := n.Call(name)
		if err != nil {
			return err
		}
		if len(chosen) == 1 {
			if err := chosen[0](call, deadline); err != nil {
				return err
			}
			continue
		}
		data, err := call.await(deadline)
		if err != nil {
			return err
		}
		if err := os.WriteFile(ts.MkAbs(name+".response"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// await waits until the response exists and is complete, and returns it.
func (c *Call) await(deadline time.Time) ([]byte, error) {
	data, err := awaitJSON(c.ResponsePath(), deadline)
	if err != nil {
		return nil, fmt.Errorf("wait for response to %q: %w", c.Name, err)
	}
	return data, nil
}

// awaitJSON waits until a file exists and is valid JSON.
func awaitJSON(name string, deadline time.Time) ([]byte, error) {
	for {
		data, err := os.ReadFile(name)
		if err == nil && json.Valid(data) {
			return data, nil
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = fmt.Errorf("%s is not valid JSON", name)
			}
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitRequest waits until the request is complete in the server's replica, or does not
// exist there.
func (c *Call) awaitRequest(deadline time.Time, present bool) error {
	for {
		data, err := os.ReadFile(c.RequestPath())
		if present && err == nil && bytes.Equal(data, c.Data) || !present && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			if present {
				return fmt.Errorf("request %q is incomplete: got %d of %d bytes (read error: %v)", c.Name, len(data), len(c.Data), err)
			}
			return fmt.Errorf("request %q still exists: %s (read error: %v)", c.Name, c.RequestPath(), err)
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitWritten waits until the response exists in the server's replica, and is complete.
func (c *Call) awaitWritten(deadline time.Time) error {
	if _, err := awaitJSON(c.path(".response"), deadline); err != nil {
		return fmt.Errorf("wait until the response to %q is written: %w", c.Name, err)
	}
	return nil
}

// awaitLost waits until the server has lost the request or the response. A message that it
// drops on the way to its recipient has no etag, and is not lost: a full sync delivers the
// file.
func (c *Call) awaitLost(deadline time.Time) error {
	return c.awaitEvent(deadline, "lost", func(e fakebox.Event) bool { return e.Op == fakebox.OpLose && e.Etag != "" })
}

// awaitRejected waits until a client has renamed the request or the response to its
// rejected marker.
func (c *Call) awaitRejected(deadline time.Time) error {
	return c.awaitEvent(deadline, "rejected", func(e fakebox.Event) bool { return e.Op == fakebox.OpReject })
}

// awaitEvent waits for an event of the request or the response.
func (c *Call) awaitEvent(deadline time.Time, what string, is func(fakebox.Event) bool) error {
	for {
		for _, e := range c.network.Box.Events() {
			if (e.Path == c.key(".request") || e.Path == c.key(".response")) && is(e) {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("neither the request %q nor its response was %s", c.Name, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaitNothing waits for two full syncs of each running client, and returns an error if the
// response has arrived by then.
func (c *Call) awaitNothing(deadline time.Time) error {
	if err := c.network.awaitCycles(2, deadline); err != nil {
		return err
	}
	data, err := os.ReadFile(c.ResponsePath())
	switch {
	case err == nil:
		return fmt.Errorf("request %q has a response: %s", c.Name, strings.TrimSpace(string(data)))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func (n *Network) commandDelete(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: box delete NAME")
	}
	call, err := n.Call(args[0])
	if err != nil {
		return err
	}
	if call.client == nil {
		return fmt.Errorf("box delete: SyftBox does not carry the request %q", call.Name)
	}
	return os.Remove(call.client.Path(call.key(".request")))
}
