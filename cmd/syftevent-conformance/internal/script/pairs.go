package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

func (r *Run) commandGone(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: gone PATH...")
	}
	if err := r.started(); err != nil {
		return err
	}
	for _, arg := range args {
		name := ts.MkAbs(arg)
		err := r.wait(r.answerWithin(), r.relative(name)+" is removed", func() (bool, string, error) {
			there, err := exists(name)
			return !there, "it is there", err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// commandOrderly waits until a pair is gone. It looks at the request first: what is
// there when the response is not is a request that was answered and looks as if it
// were not.
func (r *Run) commandOrderly(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: orderly NAME")
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	return r.wait(r.answerWithin(), fmt.Sprintf("the pair %q is removed, the request first", call.Name), func() (bool, string, error) {
		answered, err := exists(call.ResponsePath())
		if err != nil {
			return false, "", err
		}
		asked, err := exists(call.RequestPath())
		if !answered && asked && err == nil {
			return false, "", &mismatch{"the request is removed before its response", "the request stands without its response", false}
		}
		return !answered && !asked, "it is there", err
	})
}

// commandKept waits for a response and looks at its request all the time.
func (r *Run) commandKept(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: kept NAME")
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("request %q stands until it is answered", call.Name)
	return r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		asked, err := exists(call.RequestPath())
		if err != nil {
			return false, "", err
		}
		answered, err := exists(call.ResponsePath())
		if !asked && !answered && err == nil {
			return false, "", &mismatch{expected, "it was removed, and there is no response", false}
		}
		return answered, "no response", err
	})
}

// commandSame compares a response with what it was when it was first read.
func (r *Run) commandSame(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: same NAME")
	}
	call, err := r.call(args[0])
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
	if len(args) != 1 {
		return errors.New("usage: tidy NAME")
	}
	call, err := r.call(args[0])
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
