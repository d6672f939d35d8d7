package runner

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

// A recorder is the testscript.T of one scenario.
type recorder struct {
	mu      sync.Mutex
	log     strings.Builder
	failed  bool
	skipped bool
	panic   string // a panic of the suite's code
}

// ended is the panic value of FailNow and Skip, which end the script.
type ended struct{}

// protect calls f and records a panic.
func (t *recorder) protect(f func()) {
	defer func() {
		p := recover()
		if _, ok := p.(ended); p != nil && !ok {
			t.panic = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f()
}

// result returns the outcome of a script. If the script failed without a failed check, the
// suite is at fault: a command was used wrongly, or could not do its work.
func (t *recorder) result(run *script.Run) Result {
	r := Result{Outcome: Pass, Log: t.log.String(), Failure: run.Failure}
	switch {
	case t.panic != "":
		r.Outcome, r.Problem = CouldNotTest, t.panic
	case run.NotApplicable != "":
		r.Outcome, r.Problem = NotApplicable, run.NotApplicable
	case run.TooSlow != "":
		r.Outcome, r.Problem, r.TooSlow = CouldNotTest, "machine too slow: "+run.TooSlow, true
	case t.skipped:
		r.Outcome, r.Problem = CouldNotTest, "script skipped itself"
	case run.Failure != nil:
		r.Outcome = Fail
	case t.failed:
		r.Outcome, r.Problem = CouldNotTest, strings.TrimSpace(r.Log)
	}
	return r
}

func (t *recorder) write(args []any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(&t.log, args...)
}

// Log, Fatal, FailNow, Skip, Parallel, Verbose and Run implement testscript.T.

func (t *recorder) Log(args ...any)   { t.write(args) }
func (t *recorder) Fatal(args ...any) { t.write(args); t.FailNow() }
func (t *recorder) FailNow()          { t.failed = true; panic(ended{}) }
func (t *recorder) Skip(args ...any)  { t.write(args); t.skipped = true; panic(ended{}) }
func (t *recorder) Parallel()         {}
func (t *recorder) Verbose() bool     { return false }
func (t *recorder) Run(_ string, f func(testscript.T)) {
	t.protect(func() { f(t) })
}
