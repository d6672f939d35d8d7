package script

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// exists reports whether there is anything at a path.
func exists(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// commandPresent checks that paths exist now.
func (r *Run) commandPresent(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: present PATH...")
	}
	for _, arg := range args {
		if _, err := os.Stat(ts.MkAbs(arg)); err != nil {
			return &mismatch{r.relative(ts.MkAbs(arg)) + " exists", err.Error(), false}
		}
	}
	return nil
}

// commandAbsent checks that paths do not exist now.
func (r *Run) commandAbsent(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: absent PATH...")
	}
	for _, arg := range args {
		switch there, err := exists(ts.MkAbs(arg)); {
		case err != nil:
			return err
		case there:
			return &mismatch{r.relative(ts.MkAbs(arg)) + " does not exist", "it exists", false}
		}
	}
	return nil
}

// commandIdentical checks that two files have the same content.
func (r *Run) commandIdentical(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: identical FILE1 FILE2")
	}
	want, err := os.ReadFile(ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("%s has the content of %s: %s", r.relative(ts.MkAbs(args[0])), args[1], excerpt(string(want)))
	got, err := os.ReadFile(ts.MkAbs(args[0]))
	if err != nil {
		return &mismatch{expected, err.Error(), false}
	}
	if string(got) != string(want) {
		return &mismatch{expected, excerpt(string(got)), false}
	}
	return nil
}

// commandAppears waits until files are there.
func (r *Run) commandAppears(ts *testscript.TestScript, args []string) error {
	return r.awaitPaths(ts, args, true)
}

// commandGone waits until files are removed.
func (r *Run) commandGone(ts *testscript.TestScript, args []string) error {
	return r.awaitPaths(ts, args, false)
}

// awaitPaths waits until each of some files is there, or is not.
func (r *Run) awaitPaths(ts *testscript.TestScript, args []string, present bool) error {
	command, wanted, standing := "gone", "is removed", "it is there"
	if present {
		command, wanted, standing = "appears", "appears", "it is not there"
	}
	if len(args) == 0 {
		return fmt.Errorf("usage: %s PATH...", command)
	}
	if err := r.started(); err != nil {
		return err
	}
	for _, arg := range args {
		name := ts.MkAbs(arg)
		err := r.wait(r.answerWithin(), r.relative(name)+" "+wanted, func() (bool, string, error) {
			there, err := exists(name)
			return there == present, standing, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// commandRunning waits until a handler has the request: /record and /slow write its
// id down first.
func (r *Run) commandRunning(ts *testscript.TestScript, args []string) error {
	call, err := r.only("running", args)
	if err != nil {
		return err
	}
	return r.wait(r.answerWithin(), fmt.Sprintf("request %q is run", call.Name), func() (bool, string, error) {
		runs, err := r.runs()
		return runs[call.Stem] > 0, "it was not", err
	})
}

// runs counts how often /record and /slow were run, by the ids of requests.
func (r *Run) runs() (map[string]int, error) {
	data, err := os.ReadFile(r.recordPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	runs := map[string]int{}
	for line := range strings.Lines(string(data)) {
		runs[strings.TrimSpace(line)]++
	}
	return runs, nil
}

// commandCleaned is commandGone for scenarios that are not about whether a cleanup
// removes anything: what one does wrong that removes nothing cannot be seen.
func (r *Run) commandCleaned(ts *testscript.TestScript, args []string) error {
	return notCleaned(r.commandGone(ts, args))
}

// notCleaned makes that nothing was removed a reason why a scenario does not apply.
func notCleaned(err error) error {
	if m, ok := err.(*mismatch); ok && !m.dead {
		return &notApplicable{"the server did not remove what is old (" + m.expected + ")"}
	}
	return err
}

// keptLook is the longest pause between two looks of "kept": a server may remove a pair a
// second after it has answered.
const keptLook = 500 * time.Millisecond

// commandKept waits for a response and looks at its request all the time.
func (r *Run) commandKept(ts *testscript.TestScript, args []string) error {
	call, err := r.only("kept", args)
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("request %q stands until it is answered", call.Name)
	looked := time.Now()
	return r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		since := time.Since(looked)
		looked = time.Now()
		asked, err := exists(call.RequestPath())
		if err != nil {
			return false, "", err
		}
		answered, err := exists(call.ResponsePath())
		if !asked && !answered && err == nil && since > keptLook {
			return false, "", &tooSlow{fmt.Sprintf("%v passed between two looks at request %q", since.Round(time.Millisecond), call.Name)}
		}
		if !asked && !answered && err == nil {
			return false, "", &mismatch{expected, "it was removed, and there is no response", false}
		}
		return answered, "no response", err
	})
}

// commandSame compares a response with what it was when it was first read.
func (r *Run) commandSame(ts *testscript.TestScript, args []string) error {
	call, err := r.only("same", args)
	if err != nil {
		return err
	}
	before, read := r.first[call.Name]
	if !read {
		return fmt.Errorf("same: the response to %q was not read before", call.Name)
	}
	data, err := os.ReadFile(call.ResponsePath())
	if errors.Is(err, fs.ErrNotExist) {
		return &mismatch{"the response stays as it is", "it is gone", false}
	}
	if err == nil && string(data) != before {
		return &mismatch{"the response stays as it was: " + excerpt(before), excerpt(string(data)), false}
	}
	return err
}

// commandTidy checks what else lies in the folder of a request.
func (r *Run) commandTidy(ts *testscript.TestScript, args []string) error {
	call, err := r.only("tidy", args)
	if err != nil {
		return err
	}
	folder := filepath.Dir(call.RequestPath())
	// The response may be seen before the name is gone under which it was written.
	return r.wait(r.answerWithin(), "nothing but requests, responses and .syftkeep in "+r.relative(folder), func() (bool, string, error) {
		entries, err := os.ReadDir(folder)
		for _, entry := range entries {
			name := entry.Name()
			if name != ".syftkeep" && !strings.HasSuffix(name, ".request") && !strings.HasSuffix(name, ".response") {
				return false, "there is " + name, nil
			}
		}
		return err == nil, "", err
	})
}

// removeWithin is how long a folder may take to be removed in which a server writes.
const removeWithin = 10 * time.Second

// commandRemove is testscript's rm, which the story does not tell of.
func (r *Run) commandRemove(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: remove PATH...")
	}
	for _, arg := range args {
		if err := r.remove(ts.MkAbs(arg)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file, or a folder even while the server writes into it.
func (r *Run) remove(name string) error {
	r.premises.removed[name] = time.Now()
	err := os.RemoveAll(name)
	for deadline := time.Now().Add(removeWithin); err != nil && time.Now().Before(deadline); err = os.RemoveAll(name) {
		if err := r.sleep(pause); err != nil {
			return err
		}
	}
	for _, call := range r.calls {
		if takes := handlerTime(call); takes > 0 && call.RequestPath() == name {
			r.premises.within(takes, time.Since(call.Sent), "removing request %q", call.Name)
		}
	}
	return err
}

// commandUnrun checks that no request was run that would have been written down.
func (r *Run) commandUnrun(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: unrun")
	}
	runs, err := r.runs()
	if err == nil && len(runs) > 0 {
		return &mismatch{"no request is run", "run were " + strings.Join(slices.Sorted(maps.Keys(runs)), ", "), false}
	}
	return err
}

func (r *Run) commandTouch(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: touch DURATION PATH")
	}
	by, err := time.ParseDuration(args[0])
	if err != nil {
		return fmt.Errorf("touch: %w", err)
	}
	when := time.Now().Add(by)
	return os.Chtimes(ts.MkAbs(args[1]), when, when)
}
