package spool

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestStopwatchMeasuresWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w stopwatch
		for _, want := range []time.Duration{0, beat / 2, 10 * beat, time.Minute} {
			w.start()
			time.Sleep(want)
			part := w.read()
			time.Sleep(want)
			if got := w.since(part); got != want {
				t.Errorf("a part: %v, want %v", got, want)
			}
			if got := w.stop(); got != 2*want {
				t.Errorf("all: %v, want %v", got, 2*want)
			}
			time.Sleep(time.Minute) // not measured
		}
	})
}
