package script

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// workers are the servers that share the work of the server under test, by the names that the
// script gives them.
type workers struct {
	*handlers
	processes map[string]*target.Process
	joined    map[string]bool // those of them that this scenario has not started
	count     int             // of servers that were started beside the first
	before    map[string]int  // how often each request was run when a server was suspended last
}

func (w *workers) commandWorker(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	if err := w.started(); err != nil {
		return err
	}
	verb, name := args[0], args[1]
	process := w.processes[name]
	if verb == "start" && process != nil && w.shared != nil && !w.joined[name] {
		w.joined[name] = true // it has served other scenarios
		return nil
	}
	if (process == nil) != (verb == "start") {
		return fmt.Errorf("worker %s %s: it runs already, or does not", verb, name)
	}
	switch verb {
	case "start":
		return w.startWorker(name)
	case "stop":
		delete(w.processes, name)
		if err := process.Stop(w.answerWithin()); err != nil {
			return &mismatch{fmt.Sprintf("worker %q stops when it is told to", name), err.Error(), true}
		}
		return nil
	case "kill":
		delete(w.processes, name)
		w.killed = true
		process.Kill()
		return nil
	case "promote":
		if !w.process.Exited() {
			return errors.New("worker promote: the server under test runs")
		}
		delete(w.processes, name)
		w.process, w.told = process, false
		return nil
	case "suspend":
		return w.suspend(process)
	case "resume":
		if err := process.Resume(); err != nil {
			return doesNotRead(err)
		}
		return nil
	}
	return errUsage
}

// startWorker starts another server with the options of the first and waits until it is ready.
func (w *workers) startWorker(name string) error {
	settings := w.settings()
	maps.Copy(settings.Options, w.options)
	settings.Server = w.nextWorker()
	settings.LogDir = filepath.Join(w.workersDir(), name)
	if err := os.MkdirAll(settings.LogDir, 0o755); err != nil {
		return err
	}
	process, err := target.Start(w.ctx, w.config.Command, settings)
	if notReady, ok := err.(*target.NotReadyError); ok {
		w.lastWords = notReady.Stderr
		return &mismatch{fmt.Sprintf("worker %q becomes ready beside the first server", name), notReady.Reason, true}
	}
	if err != nil {
		return err
	}
	w.processes[name] = process
	if w.shared != nil {
		w.joined[name] = true
	}
	return nil
}

// nextWorker returns the number of another server.
func (w *workers) nextWorker() int {
	n := &w.count
	if w.shared != nil {
		n = &w.shared.workersStarted
	}
	*n++
	return *n
}

// workersDir returns the folder of the logs of workers.
func (s *scene) workersDir() string { return filepath.Join(s.home(), "workers") }

// suspend suspends a server, and notes which requests were run before.
func (w *workers) suspend(process *target.Process) error {
	if errors.Is(process.Suspend(), errors.ErrUnsupported) {
		return &notApplicable{"the system has no signals"}
	}
	w.killed = true // what it runs may be run again
	var err error
	w.before, err = w.runs()
	return err
}

// mayHaveBegun is the number of requests that a server may have been about to record when it was
// suspended.
const mayHaveBegun = 4

// commandFenced checks that requests that no server had begun when one was suspended were run
// once.
func (w *workers) commandFenced(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 || w.bursts[args[0]] == nil || w.before == nil {
		return errUsage
	}
	runs, err := w.runs()
	if err != nil {
		return err
	}
	var again []string
	for _, sent := range w.bursts[args[0]] {
		if w.before[sent.stem] == 0 && runs[sent.stem] > 1 {
			again = append(again, sent.stem)
		}
	}
	if len(again) > mayHaveBegun {
		return &mismatch{"a server that was suspended does not begin requests that another one has run", fmt.Sprintf("%d were run again, such as %s", len(again), again[0]), false}
	}
	return nil
}

// commandAge sets the times of the servers' files to 1970.
func (w *workers) commandAge(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	return w.eachState(func(path string, d fs.DirEntry) error {
		if !d.Type().IsRegular() {
			return nil
		}
		return os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0))
	})
}

// commandStored waits until the servers store at most a number of files.
func (w *workers) commandStored(ts *testscript.TestScript, args []string) error {
	most := 0
	if len(args) != 1 {
		return errUsage
	}
	if _, err := fmt.Sscan(args[0], &most); err != nil {
		return errUsage
	}
	return w.wait(w.answerWithin(), fmt.Sprintf("the app's folder has at most %d files outside of rpc", most), func() (bool, string, error) {
		time.Sleep(20 * pollPause)
		count := 0
		err := w.eachState(func(string, fs.DirEntry) error { count++; return nil })
		return count <= most, fmt.Sprintf("it has %d", count), err
	})
}

// eachState calls f for each file of the app that is not in rpc.
func (w *workers) eachState(f func(path string, d fs.DirEntry) error) error {
	rpc := w.rpc()
	return filepath.WalkDir(filepath.Dir(rpc), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && path == rpc:
			return fs.SkipDir
		case err == nil && !d.IsDir():
			err = f(path, d)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		return err
	})
}

// exited returns the name of a worker that has ended by itself, "" if none has.
func (w *workers) exited() string {
	for _, name := range slices.Sorted(maps.Keys(w.processes)) {
		if w.processes[name].Exited() {
			return name
		}
	}
	return ""
}

// end kills the workers, unless other scenarios use them.
func (w *workers) end() {
	if w.shared != nil {
		return
	}
	for _, process := range w.processes {
		process.Kill()
	}
}
