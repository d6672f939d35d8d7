//go:build !linux

package engine

import "time"

// processTime returns 0: the processor time of this process is not known.
func processTime() time.Duration { return 0 }

// sleepBriefly sleeps for as short a time as the runtime's timers can.
func sleepBriefly(d time.Duration) { time.Sleep(d) }
