package script

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// files are the files of a scenario, and what the server does to them.
type files struct {
	*requests
	removals *removals // nil before "orderly -watch"
}

func (f *files) commandPresent(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, arg := range args {
		if _, err := statFile(ts.MkAbs(arg)); err != nil {
			return &mismatch{f.relative(ts.MkAbs(arg)) + " exists", err.Error(), false}
		}
	}
	return nil
}

func (f *files) commandAbsent(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, arg := range args {
		switch there, err := exists(ts.MkAbs(arg)); {
		case err != nil:
			return err
		case there:
			return &mismatch{f.relative(ts.MkAbs(arg)) + " does not exist", "it exists", false}
		}
	}
	return nil
}

func (f *files) commandIdentical(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	want, err := readFile(ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("%s has the content of %s", f.relative(ts.MkAbs(args[0])), args[1])
	got, err := readFile(ts.MkAbs(args[0]))
	if err != nil {
		return &mismatch{expected, err.Error(), false}
	}
	if string(got) != string(want) {
		shown, actual := difference("content ", want, got)
		return &mismatch{expected + "\n" + shown, actual, false}
	}
	return nil
}

func (f *files) commandAppears(ts *testscript.TestScript, args []string) error {
	return f.await(ts, args, true)
}

func (f *files) commandGone(ts *testscript.TestScript, args []string) error {
	return f.await(ts, args, false)
}

// await waits until each path exists, or does not.
func (f *files) await(ts *testscript.TestScript, args []string, present bool) error {
	expected, state := "is removed", "it exists"
	if present {
		expected, state = "appears", "it does not exist"
	}
	if len(args) == 0 {
		return errUsage
	}
	if err := f.started(); err != nil {
		return err
	}
	for _, arg := range args {
		name := ts.MkAbs(arg)
		err := f.wait(f.answerWithin(), f.relative(name)+" "+expected, func() (bool, string, error) {
			there, err := exists(name)
			return there == present, state, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeTimeout is how long a folder may take to be removed while the server writes into
// it.
const removeTimeout = 10 * time.Second

func (f *files) commandRemove(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	for _, arg := range args {
		if err := f.remove(ts.MkAbs(arg)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a path, of a request perhaps while it is run.
func (f *files) remove(name string) error {
	f.premises.removed[name] = time.Now()
	f.removes(name)
	err := f.removeTree(name)
	for _, call := range f.calls {
		if takes := handlerTime(call); takes > 0 && call.RequestPath() == name {
			f.premises.within(takes, time.Since(call.Sent), "removing request %q", call.Name)
		}
	}
	return err
}

// removeTree removes a path. It tries again if that fails, because os.RemoveAll does when the
// server writes into the folder at the same time.
func (f *files) removeTree(name string) error {
	err := os.RemoveAll(name)
	for deadline := time.Now().Add(removeTimeout); err != nil && time.Now().Before(deadline); err = os.RemoveAll(name) {
		if err := f.sleep(pollPause); err != nil {
			return err
		}
	}
	return err
}

func (f *files) commandTouch(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	when := time.Unix(0, 0)
	if args[0] != "epoch" {
		by, err := time.ParseDuration(args[0])
		if err != nil {
			return fmt.Errorf("touch: %w", err)
		}
		when = time.Now().Add(by)
	}
	return os.Chtimes(ts.MkAbs(args[1]), when, when)
}

func (f *files) commandLink(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	name := ts.MkAbs(args[1])
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(ts.MkAbs(args[0]), name); err != nil {
		return &notApplicable{fmt.Sprintf("the system has no symbolic links: %v", err)}
	}
	return nil
}

func (f *files) commandFIFO(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	name := ts.MkAbs(args[0])
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return makeFIFO(name)
}

func (f *files) commandCollect(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	collect := func(request, response string) error {
		if err := f.removeTree(request); err != nil {
			return err
		}
		return f.removeTree(response)
	}
	for _, call := range f.calls {
		if err := collect(call.RequestPath(), call.ResponsePath()); err != nil {
			return err
		}
	}
	for _, burst := range f.bursts {
		for _, sent := range burst {
			if err := collect(strings.TrimSuffix(sent.response, ".response")+".request", sent.response); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *files) commandTidy(ts *testscript.TestScript, args []string) error {
	call, err := f.onlyCall(args)
	if err != nil {
		return err
	}
	folder := filepath.Dir(call.RequestPath())
	// It waits: the response may appear before its temporary name is removed.
	return f.wait(f.answerWithin(), "only requests, responses and .syftkeep in "+f.relative(folder), func() (bool, string, error) {
		entries, err := readDir(folder)
		for _, entry := range entries {
			name := entry.Name()
			if name != ".syftkeep" && !strings.HasSuffix(name, ".request") && !strings.HasSuffix(name, ".response") {
				return false, name + " exists", nil
			}
		}
		return err == nil, "", err
	})
}

func (f *files) commandConfined(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	now, err := f.list()
	if err != nil {
		return err
	}
	inside := f.rpc() + string(os.PathSeparator)
	requested := foldersOfRequests(now, inside)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, there := f.before[name]; there || f.isOwn(name) || f.isServerState(name) {
			continue
		}
		if !strings.HasPrefix(name, inside) {
			return &mismatch{"no file or folder appears outside of the rpc folder", f.relative(name), false}
		}
		if isFolder := now[name]; isFolder && !requested[name] {
			return &mismatch{"no folder appears without a request in it", f.relative(name), false}
		}
		if stem, ok := strings.CutSuffix(name, ".response"); ok {
			if _, there := now[stem+".request"]; !there {
				return &mismatch{"a response has its request beside it", f.relative(name) + " has none", false}
			}
		}
	}
	return nil
}

// foldersOfRequests returns the folders below "rpc" that hold requests, and their parents:
// delivering the requests created them.
func foldersOfRequests(paths map[string]bool, inside string) map[string]bool {
	folders := map[string]bool{}
	for name := range paths {
		if !strings.Contains(filepath.Base(name), ".request") {
			continue
		}
		for folder := filepath.Dir(name); !folders[folder] && strings.HasPrefix(folder, inside); folder = filepath.Dir(folder) {
			folders[folder] = true
		}
	}
	return folders
}

// isServerState reports whether a path is in a *.tmp file or folder of the app, where the
// server may store replies.
func (f *files) isServerState(name string) bool {
	rel, err := filepath.Rel(filepath.Dir(f.rpc()), name)
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return err == nil && strings.HasSuffix(first, ".tmp")
}
