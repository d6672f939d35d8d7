package main

import (
	"context"
	"errors"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

// errFirstFailure is the cause of a context that -failfast canceled.
var errFirstFailure = errors.New("stopped after the first failure (-failfast)")

// stopAfterFailure cancels a run with -failfast if a result is an unexpected failure.
func (f *runFlags) stopAfterFailure(r runner.Result, cancel context.CancelCauseFunc) {
	if f.failFast && report.StatusOf(r) == report.Failed {
		cancel(errFirstFailure)
	}
}

// whyCut returns why a run ended early, "" if it did not.
func whyCut(ctx context.Context) string {
	switch {
	case ctx.Err() == nil:
		return ""
	case errors.Is(context.Cause(ctx), errFirstFailure):
		return errFirstFailure.Error()
	}
	return errInterrupted.Error()
}
