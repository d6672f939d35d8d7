package boxscript

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

func (n *Network) commandMore(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: box more NAME N")
	}
	size, err := strconv.Atoi(args[1])
	if err != nil || size < 0 {
		return fmt.Errorf("box more: %q is not a number of bytes", args[1])
	}
	return n.More(args[0], size)
}

func (n *Network) commandFinish(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: box finish NAME")
	}
	call, err := n.Call(args[0])
	if err != nil {
		return err
	}
	return n.More(args[0], len(call.Data))
}

// More writes the next size bytes of a request that was sent with -first, or the rest if
// there are fewer.
func (n *Network) More(name string, size int) error {
	call, err := n.Call(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(call.RequestPath(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	rest := call.Data[call.written:]
	rest = rest[:min(size, len(rest))]
	_, err = f.WriteAt(rest, int64(call.written))
	call.written += len(rest)
	return errors.Join(err, f.Close())
}

func (n *Network) commandAgain(ts *testscript.TestScript, args []string) error {
	via := fakebox.WebSocket
	flags := newFlags("again")
	modeVar(flags, "via", &via)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box again: %w", err)
	}
	if flags.NArg() != 1 {
		return errors.New("usage: box again [-via MODE] NAME")
	}
	call, err := n.Call(flags.Arg(0))
	if err != nil {
		return err
	}
	return n.Server.Deliver(call.Folder+"/"+call.Stem+".request", call.Data, fakebox.Delivery{Mode: via})
}

func (n *Network) commandDeliver(ts *testscript.TestScript, args []string) error {
	var how fakebox.Delivery
	flags := newFlags("deliver")
	modeVar(flags, "via", &how.Mode)
	flags.IntVar(&how.ChunkSize, "chunk", 0, "")
	flags.DurationVar(&how.Pause, "pause", 0, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box deliver: %w", err)
	}
	if flags.NArg() != 2 {
		return errors.New("usage: box deliver [-via MODE] [-chunk N] [-pause DURATION] PATH FILE")
	}
	return n.Server.Deliver(flags.Arg(0), []byte(ts.ReadFile(flags.Arg(1))), how)
}

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

func (n *Network) commandWait(ts *testscript.TestScript, args []string) error {
	flags := newFlags("wait")
	arrived := flags.Bool("arrived", false, "")
	gone := flags.Bool("gone", false, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box wait: %w", err)
	}
	if flags.NArg() == 0 || *arrived && *gone {
		return errors.New("usage: box wait [-arrived | -gone] NAME...")
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
		if *arrived || *gone {
			if err := call.awaitRequest(deadline, *arrived); err != nil {
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
	for {
		data, err := os.ReadFile(c.ResponsePath())
		if err == nil && json.Valid(data) {
			return data, nil
		}
		if time.Now().After(deadline) {
			if err == nil {
				err = fmt.Errorf("%s is not valid JSON", c.ResponsePath())
			}
			return nil, fmt.Errorf("wait for response to %q: %w", c.Name, err)
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
