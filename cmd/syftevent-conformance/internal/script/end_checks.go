package script

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// endChecks check, when the servers have ended, the two invariants that are about the whole of a
// scenario: AlwaysOnce and AlwaysConfined.
type endChecks struct{ *handlers }

func (e endChecks) check() error {
	if e.observer == nil {
		return nil
	}
	if e.config.Role != target.Client {
		if err := e.checkRuns(); err != nil {
			return err
		}
	}
	return e.checkOutside()
}

// checkRuns finds a request of the scenario that was run more than once. A killed server may have run
// one and not answered it.
func (e endChecks) checkRuns() error {
	if e.killed {
		return nil
	}
	runs, err := e.runs()
	if err != nil {
		return err
	}
	sent := map[string]map[string]bool{} // paths by stem: two folders may have requests of the same stem
	add := func(stem, response string) {
		if sent[stem] == nil {
			sent[stem] = map[string]bool{}
		}
		sent[stem][response] = true
	}
	for _, call := range e.calls {
		add(call.Stem, call.ResponsePath())
	}
	for _, burst := range e.bursts {
		for _, request := range burst {
			add(request.stem, request.response)
		}
	}
	for _, stem := range slices.Sorted(maps.Keys(sent)) {
		if got, most := runs[stem], len(sent[stem]); got > most && !e.mayRepeat[stem] {
			e.observer.violated(AlwaysOnce, stem+".request", "a handler runs each request once", "it was run "+times(got))
			return nil
		}
	}
	return nil
}

// checkOutside finds a file outside the app's folder that the server created, changed or removed.
func (e endChecks) checkOutside() error {
	if e.outside == nil {
		return nil
	}
	now, err := e.listOutside()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		before, there := e.outside[name]
		switch {
		case !there:
			e.strayed(name, "appeared")
		case now[name] != before:
			e.strayed(name, fmt.Sprintf("changed: it has %d bytes and mode %v now, instead of %d and %v", now[name].size, now[name].mode, before.size, before.mode))
		}
	}
	for name := range e.outside {
		if _, there := now[name]; !there {
			e.strayed(name, "was removed")
		}
	}
	return nil
}

func (e endChecks) strayed(name, actual string) {
	if strings.Contains(e.script, filepath.Base(name)) {
		return // what the script names may be its own
	}
	rel, err := filepath.Rel(e.dir, name)
	if err != nil {
		rel = name
	}
	invariant := AlwaysConfined
	if e.config.Role == target.Client {
		invariant = AlwaysInside
	}
	e.observer.violated(invariant, filepath.ToSlash(rel), "no file outside the app's folder is created, changed or removed", path.Base(filepath.ToSlash(name))+" "+actual)
}

// A stat is what shows a change of a file.
type stat struct {
	size     int64
	modified time.Time
	mode     fs.FileMode
}

// listOutside lists the files in the scenario's directory, except those of the app and of the suite.
func (s *scene) listOutside() (map[string]stat, error) {
	files, app, dir := map[string]stat{}, filepath.Dir(s.rpc()), s.dir
	if s.config.Role == target.Client {
		dir = s.network.Server.Datasites() // it may keep state elsewhere
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil // a temporary file
		case err != nil:
			return err
		case name == app:
			return filepath.SkipDir
		case d.IsDir() || s.isOwn(name) || s.encrypts && s.isOfKeys(name):
			return nil
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			files[name] = stat{info.Size(), info.ModTime(), info.Mode()}
		}
		return err
	})
	return files, err
}

// isOwn reports whether the suite or SyftBox writes a file while the server runs.
func (s *scene) isOwn(name string) bool {
	second := filepath.Join(s.dir, "second")
	return filepath.Dir(name) == s.dir && (strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".response")) ||
		name == second || filepath.Dir(name) == second || strings.HasPrefix(name, s.workersDir()+string(filepath.Separator)) ||
		strings.Contains(name, ".syft-tmp") || strings.HasSuffix(name, ".target.json") // see target.Mount
}
