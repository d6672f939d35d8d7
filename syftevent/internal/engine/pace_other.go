//go:build !linux

package engine

import "time"

// threadTime returns 0: the processor time of a thread is not known.
func threadTime() time.Duration { return 0 }

// sleepBriefly sleeps for as short a time as the runtime's timers can.
func sleepBriefly(d time.Duration) { time.Sleep(d) }
