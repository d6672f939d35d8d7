//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// A write to the input of a killed program must not end the run, only one to the output
// of this program.
func TestOnlyAClosedOutputEndsTheRun(t *testing.T) {
	closedPipe := func() *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		t.Cleanup(func() { w.Close() })
		return w
	}
	delivered := make(chan os.Signal, 1)
	signal.Notify(delivered, syscall.SIGPIPE)
	defer signal.Stop(delivered)
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	discardSIGPIPE()
	output := endingOutput{closedPipe(), cancel}

	if _, err := closedPipe().Write([]byte("call")); !errors.Is(err, syscall.EPIPE) {
		t.Fatalf("write to a closed pipe: %v, want EPIPE", err)
	}
	<-delivered
	select { // the signal cancels a context in another goroutine, soon after
	case <-ctx.Done():
		t.Fatalf("a write to another pipe ended the run: %v", context.Cause(ctx))
	case <-time.After(100 * time.Millisecond):
	}

	if _, err := output.Write([]byte("result")); !errors.Is(err, syscall.EPIPE) {
		t.Fatalf("write to the closed output: %v, want EPIPE", err)
	}
	if ctx.Err() == nil || !errors.Is(context.Cause(ctx), errOutputClosed) {
		t.Errorf("after a write to the closed output: cause %v, want %v", context.Cause(ctx), errOutputClosed)
	}
}
