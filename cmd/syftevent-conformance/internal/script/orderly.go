package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandOrderly waits until all pairs of a folder are gone, and judges in which order
// their files went. Where the system tells of each removal that is certain; elsewhere
// a request without its response has to be seen.
func (r *Run) commandOrderly(ts *testscript.TestScript, args []string) error {
	call, err := r.only("orderly", args)
	if err != nil {
		return err
	}
	folder := filepath.Dir(call.RequestPath())
	removed, err := watchRemovals(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &tooSlow{"the folder was removed before the suite watched it"}
	}
	if err != nil {
		return fmt.Errorf("orderly: watching what is removed from %s: %w", folder, err)
	}
	defer removed.close()
	// A request that was gone before the watch began went before its response.
	earlier, err := requestsGone(folder)
	if err != nil {
		return fmt.Errorf("orderly: listing %s: %w", folder, err)
	}
	var disorder error
	err = r.wait(r.answerWithin(), fmt.Sprintf("the pairs beside %q are removed, each request first", call.Name), func() (bool, string, error) {
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
		return !there, "they are there", err
	})
	if disorder != nil {
		return disorder
	}
	return notCleaned(err)
}

// requestsGone returns the stems of the responses in a folder that stand there without
// their request.
func requestsGone(folder string) (map[string]bool, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	gone := map[string]bool{}
	for _, entry := range entries {
		stem, isResponse := strings.CutSuffix(entry.Name(), ".response")
		if !isResponse {
			continue
		}
		if there, err := exists(filepath.Join(folder, stem+".request")); err != nil {
			return nil, err
		} else if !there {
			gone[stem] = true
		}
	}
	return gone, nil
}
