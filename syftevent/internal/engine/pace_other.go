//go:build !linux

package engine

import "time"

// sleepBriefly sleeps for as short a time as the runtime's timers can.
func sleepBriefly(d time.Duration) { time.Sleep(d) }
