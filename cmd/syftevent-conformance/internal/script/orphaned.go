package script

import (
	"fmt"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// mostOrphanDelay is the longest orphan delay that a scenario waits for: less than
// its budget.
const mostOrphanDelay = 3 * time.Minute

// commandOrphaned removes a request, and waits until the server removes the response.
// A response that is gone within the orphan delay from before the request was removed
// went too early, however slow the machine is.
func (r *Run) commandOrphaned(ts *testscript.TestScript, args []string) error {
	call, err := r.only("orphaned", args)
	if err != nil {
		return err
	}
	delay := r.process.Ready().Orphan()
	expected := fmt.Sprintf("the response to request %q is removed when it has stood without its request for %v", call.Name, delay)
	switch {
	case delay == 0:
		return &mismatch{"the server removes responses that stand without their requests", `it never does: its ready line has no "orphan_ms"`, false}
	case delay > mostOrphanDelay:
		return &notApplicable{fmt.Sprintf("the server removes responses without their requests after %v, which is too long to wait", delay)}
	}
	began := time.Now()
	if err := os.Remove(call.RequestPath()); err != nil {
		return err
	}
	return r.wait(delay+r.answerWithin(), expected, func() (bool, string, error) {
		there, err := exists(call.ResponsePath())
		if after := time.Since(began); !there && err == nil && after < delay {
			return false, "", &mismatch{expected, fmt.Sprintf("it was removed after %v", after.Round(time.Millisecond)), false}
		}
		return !there, "it is there", err
	})
}
