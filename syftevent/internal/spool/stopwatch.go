package spool

import (
	"sync/atomic"
	"time"
)

// A stopwatch measures how long something took, without the time in which the whole process was
// suspended, by SIGSTOP, a debugger or a frozen container. Pauses are multiples of what was measured
// before them, and a server that was suspended for an hour during a scan must not ignore its folders
// for days. While a suspended process has no goroutines that run, one that waits for a file
// system has, so a timer tells them apart. The zero value is ready. One goroutine at a time uses it,
// except that since may be called concurrently.
type stopwatch struct {
	began   reading
	beats   atomic.Int64 // how often the timer fired
	running atomic.Bool
	timer   *time.Timer
}

// A reading is what a stopwatch shows.
type reading struct {
	at    time.Time
	beats int64
}

// beat is the time until the timer fires. A suspension adds up to two beats to what is measured.
const beat = 10 * time.Millisecond

// start starts the stopwatch. It needs a stop.
func (w *stopwatch) start() {
	w.running.Store(true)
	if w.timer == nil {
		w.timer = time.AfterFunc(time.Hour, w.fire) // fire needs the timer
	}
	w.timer.Reset(beat)
	w.began = w.read()
}

func (w *stopwatch) fire() {
	w.beats.Add(1)
	if w.running.Load() {
		w.timer.Reset(beat)
	}
}

// stop stops the stopwatch and returns the time since its start.
func (w *stopwatch) stop() time.Duration {
	w.running.Store(false)
	w.timer.Stop()
	return w.since(w.began)
}

func (w *stopwatch) read() reading { return reading{time.Now(), w.beats.Load()} }

// since returns the time since a reading, which is not before the start.
func (w *stopwatch) since(r reading) time.Duration {
	return min(time.Since(r.at), time.Duration(w.beats.Load()-r.beats+2)*beat)
}
