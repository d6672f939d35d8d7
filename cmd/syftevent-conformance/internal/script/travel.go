package script

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// commandSwift waits until SyftBox has taken a response, by either of its ways.
func (r *Run) commandSwift(ts *testscript.TestScript, args []string) error {
	call, err := r.only("swift", args)
	if err != nil {
		return err
	}
	if !fakebox.TellsWritesFromRenames {
		return &notApplicable{"a file that was modified cannot be told from a new one on " + runtime.GOOS}
	}
	name := call.Stem + ".response"
	expected := fmt.Sprintf("SyftBox sends the response to %q by its fast path", call.Name)
	return r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		for _, event := range r.network.Box.Events() {
			if !strings.HasSuffix(event.Path, "/"+name) {
				continue
			}
			switch event.Op {
			case fakebox.OpSend:
				return true, "", nil
			case fakebox.OpUpload:
				return false, "", &mismatch{expected, "the full synchronisation had to take it: " + event.String(), false}
			}
		}
		return false, "it was not sent", nil
	})
}
