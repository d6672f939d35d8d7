package script

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// fastWithin is how long the fast path may take to send a response, counted from its
// request. A full synchronisation that comes earlier says nothing about the nudge.
const fastWithin = time.Second

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
				if after := event.Time.Sub(call.Sent); after < fastWithin {
					return false, "", &tooSlow{fmt.Sprintf("a full synchronisation came %v after request %q", after.Round(time.Millisecond), call.Name)}
				}
				return false, "", &mismatch{expected, "the full synchronisation had to take it: " + event.String(), false}
			}
		}
		return false, "it was not sent", nil
	})
}
