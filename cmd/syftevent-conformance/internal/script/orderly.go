package script

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandOrderly waits until all pairs of a folder are removed, and judges the order
// of the removals. Where the system reports each removal the order is certain;
// elsewhere a request that is missing while its response is there has to be seen.
//
// The watch is begun by "orderly -watch" while no server runs: a cleanup at the start
// of a server would otherwise remove the pairs unseen, and pass whatever it does.
func (r *Run) commandOrderly(ts *testscript.TestScript, args []string) error {
	watch := len(args) > 0 && args[0] == "-watch"
	if watch {
		args = args[1:]
	}
	call, err := r.only("orderly [-watch]", args)
	if err != nil {
		return err
	}
	if watch {
		return r.watchRemovals(filepath.Dir(call.RequestPath()))
	}
	if r.removals == nil {
		return errors.New("orderly: no watch, use orderly -watch before the server starts")
	}
	var disorder error
	err = r.wait(r.answerWithin(), fmt.Sprintf("the pairs beside %q are removed, each request first", call.Name), func() (bool, string, error) {
		// Asked before the removals are read: what is gone is among them then.
		there, err := exists(call.ResponsePath())
		if err != nil {
			return false, "", err
		}
		names, err := r.removals.names()
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
		return !there, "they are there", nil
	})
	if disorder != nil {
		return disorder
	}
	return notCleaned(err)
}

// watchRemovals begins to watch a folder. The watch ends with the script.
func (r *Run) watchRemovals(folder string) error {
	if r.process != nil && !r.process.Exited() {
		return errors.New("orderly -watch: a server is running, and may have removed files unseen")
	}
	if r.removals != nil {
		return errors.New("orderly -watch: a folder is watched already")
	}
	removed, err := watchRemovals(folder)
	if err != nil {
		return fmt.Errorf("orderly: watching what is removed from %s: %w", folder, err)
	}
	r.removals = removed
	return nil
}
