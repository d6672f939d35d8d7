package script

import (
	"errors"
	"fmt"
	"io/fs"
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
func (f *files) commandOrderly(ts *testscript.TestScript, args []string) error {
	call, err := f.onlyCall(args)
	if err != nil {
		return err
	}
	folder := filepath.Dir(call.RequestPath())
	removed, err := watchRemovals(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &tooSlow{"the folder was removed before the suite watched it"}
	}
	if err != nil {
		return fmt.Errorf("orderly: watch %s: %w", folder, err)
	}
	defer removed.close()
	// Requests that are gone by now were removed before their responses.
	earlier, err := removedRequests(folder)
	if err != nil {
		return fmt.Errorf("orderly: list %s: %w", folder, err)
	}
	var disorder error
	err = f.wait(f.answerWithin(), fmt.Sprintf("the pairs beside %q are removed, each request first", call.Name), func() (bool, string, error) {
		names, err := removed.names()
		if err != nil {
			return false, "", err
		}
		for i, name := range names {
			stem, isResponse := strings.CutSuffix(name, ".response")
			if isResponse && !earlier[stem] && !slices.Contains(names[:i], stem+".request") {
				disorder = &mismatch{"each request is removed before its response", name + " was removed first", false}
				return true, "", nil
			}
		}
		there, err := exists(call.ResponsePath())
		return !there, "they exist", err
	})
	if disorder != nil {
		return disorder
	}
	return notCleaned(err)
}

// removedRequests returns the stems of the responses in a folder that have no request.
func removedRequests(folder string) (map[string]bool, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	removed := map[string]bool{}
	for _, entry := range entries {
		stem, isResponse := strings.CutSuffix(entry.Name(), ".response")
		if !isResponse {
			continue
		}
		if there, err := exists(filepath.Join(folder, stem+".request")); err != nil {
			return nil, err
		} else if !there {
			removed[stem] = true
		}
	}
	return removed, nil
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
