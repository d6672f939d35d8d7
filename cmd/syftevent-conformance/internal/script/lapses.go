package script

import (
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lapseGrace is the time for a handler that began before its request expired to record
// that it runs.
const lapseGrace = 200 * time.Millisecond

// commandLapses compares how often a request was run when it expired, and when it was
// answered.
func (r *responses) commandLapses(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	request, err := parseReply(call.Data)
	if err != nil {
		return err
	}
	text, _ := request.string("expires")
	expires, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("lapses: %w", err)
	}
	if err := r.sleep(time.Until(expires.Add(lapseGrace))); err != nil {
		return err
	}
	handlers := &handlers{requests: r.requests}
	before, err := handlers.runs()
	if err != nil {
		return err
	}
	if _, err := r.await(call); err != nil {
		return err
	}
	after, err := handlers.runs()
	if err == nil && after[call.Stem] != before[call.Stem] {
		return &mismatch{fmt.Sprintf("request %q is not run after it expired", call.Name), "it was run " + times(after[call.Stem]-before[call.Stem]), false}
	}
	return err
}
