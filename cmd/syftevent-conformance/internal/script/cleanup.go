package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandCleaned is "gone" for scenarios that test what cleanup keeps: if it removes
// nothing, they do not apply.
func (f *files) commandCleaned(ts *testscript.TestScript, args []string) error {
	return notCleaned(f.commandGone(ts, args))
}

// notCleaned turns the failure that nothing was removed into notApplicable.
func notCleaned(err error) error {
	if m, ok := err.(*mismatch); ok && !m.dead {
		return &notApplicable{"the server did not remove old files (" + m.expected + ")"}
	}
	return err
}

// commandOrderly is certain where the system reports each removal. Elsewhere it must find
// a request without its response to pass judgement.
//
// The watch begins while no server runs: a cleanup at the start of a server would
// otherwise remove the pairs unseen, in any order.
func (f *files) commandOrderly(ts *testscript.TestScript, args []string) error {
	if len(args) > 0 && args[0] == "-watch" {
		return f.watchRemovals(args[1:])
	}
	call, err := f.onlyCall(args)
	if err != nil {
		return err
	}
	if f.removals == nil {
		return errors.New("orderly: no watch, use orderly -watch before the server starts")
	}
	var disorder error
	err = f.wait(f.answerWithin(), fmt.Sprintf("the pairs beside %q are removed, each request first", call.Name), func() (bool, string, error) {
		// Before the removals are read, so that they include that of a missing response.
		there, err := exists(call.ResponsePath())
		if err != nil {
			return false, "", err
		}
		names, err := f.removals.names()
		if err != nil {
			return false, "", err
		}
		for i, name := range names {
			stem, isResponse := strings.CutSuffix(name, ".response")
			if isResponse && !slices.Contains(names[:i], stem+".request") {
				disorder = &mismatch{"each request is removed before its response", name + " was removed first", false}
				return true, "", nil
			}
		}
		return !there, "they exist", nil
	})
	if disorder != nil {
		return disorder
	}
	return notCleaned(err)
}

// watchRemovals starts to watch the folder of a request, until the script ends.
func (f *files) watchRemovals(args []string) error {
	call, err := f.onlyCall(args)
	if err != nil {
		return err
	}
	if f.process != nil && !f.process.Exited() {
		return errors.New("orderly -watch: a server is running, and may have removed files unseen")
	}
	if f.removals != nil {
		return errors.New("orderly -watch: a folder is already watched")
	}
	folder := filepath.Dir(call.RequestPath())
	if f.removals, err = watchRemovals(folder); err != nil {
		return fmt.Errorf("orderly: watch %s: %w", folder, err)
	}
	return nil
}

// end ends the watch for removals.
func (f *files) end() {
	if f.removals != nil {
		f.removals.close()
	}
}

// maxOrphanDelay is the longest orphan delay that a scenario waits for.
const maxOrphanDelay = 3 * time.Minute

// commandOrphaned measures from before it removes the request, so a response that is gone
// within the delay was removed too early, however slow the machine is.
func (f *files) commandOrphaned(ts *testscript.TestScript, args []string) error {
	call, err := f.onlyCall(args)
	if err != nil {
		return err
	}
	delay := f.process.Ready().Orphan()
	expected := fmt.Sprintf("the response to request %q is removed %v after its request", call.Name, delay)
	switch {
	case delay == 0:
		return &mismatch{"the server removes responses without requests", `its ready line has no "orphan_ms"`, false}
	case delay > maxOrphanDelay:
		return &notApplicable{fmt.Sprintf("the server removes responses without requests after %v, which is too long to wait", delay)}
	}
	began := time.Now()
	if err := os.Remove(call.RequestPath()); err != nil {
		return err
	}
	return f.wait(delay+f.answerWithin(), expected, func() (bool, string, error) {
		there, err := exists(call.ResponsePath())
		if after := time.Since(began); !there && err == nil && after < delay {
			return false, "", &mismatch{expected, fmt.Sprintf("it was removed after %v", after.Round(time.Millisecond)), false}
		}
		return !there, "it exists", err
	})
}
