package script

import (
	"errors"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandTook checks that a response did not come too soon. It is measured here, not
// by the times of files, whose clock may be another or coarse.
func (r *Run) commandTook(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: took NAME DURATION")
	}
	least, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("took: %w", err)
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	if _, err := r.response(call); err != nil {
		return err
	}
	if took := time.Since(call.Sent); took < least {
		return &mismatch{fmt.Sprintf("the response to request %q comes %v after it was sent, or later", call.Name, least), fmt.Sprintf("it was there after %v", took.Round(time.Millisecond)), false}
	}
	return nil
}
