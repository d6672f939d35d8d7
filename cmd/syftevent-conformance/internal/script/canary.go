package script

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func (r *requests) commandCanary(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	return r.canary()
}

// canary sends a request and waits for its response, twice: the scan that finds the second
// request began after the first was found.
func (r *requests) canary() error {
	if err := r.started(); err != nil {
		return err
	}
	for range 2 {
		canary, err := r.sendCanary()
		if err != nil {
			return err
		}
		if err := r.awaitCanary(canary); err != nil {
			return err
		}
	}
	return nil
}

func (r *requests) sendCanary() (delivered, error) {
	return r.deliver(fmt.Sprintf("%08x-0000-4000-8000-%012d", uint32(r.config.Seed), r.nextNumber()), r.config.Names.canary(), "echo", "canary")
}

func (r *requests) awaitCanary(canary delivered) error {
	err := r.wait(r.answerWithin(), "the server keeps answering requests (a canary to /echo)", func() (bool, string, error) {
		there, err := exists(canary.response)
		return there, "no response", err
	})
	if m, ok := err.(*mismatch); ok {
		m.dead = true
	}
	return err
}

func (r *requests) commandQuiet(ts *testscript.TestScript, args []string) error {
	if err := r.started(); err != nil {
		return err
	}
	ready := r.process.Ready()
	duration := r.config.scale(ready.Settle() + 5*ready.Poll())
	switch len(args) {
	case 0:
	case 1:
		factor, err := strconv.ParseFloat(args[0], 64)
		if err != nil || !(factor > 0) {
			return fmt.Errorf("quiet: %q is not a positive factor", args[0])
		}
		duration = time.Duration(factor * float64(ready.Settle())) // not scaled: the settle time is the server's
	default:
		return errUsage
	}
	for until := time.Now().Add(duration); ; {
		if err := r.canary(); err != nil {
			return err
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}

// noResponse checks that requests have no response now.
func (r *requests) noResponse(names []string) error {
	if len(names) == 0 {
		return errUsage
	}
	for _, name := range names {
		call, err := r.call(name)
		if err != nil {
			return err
		}
		data, err := readFile(call.ResponsePath())
		if !errors.Is(err, fs.ErrNotExist) {
			return &mismatch{fmt.Sprintf("no response to request %q", name), fmt.Sprintf("%s: %s", r.relative(call.ResponsePath()), excerpt(string(data))), false}
		}
	}
	return nil
}
