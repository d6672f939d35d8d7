//go:build !linux

package syftevent

import "time"

// sleepBriefly sleeps as shortly as the runtime's timers can.
func sleepBriefly(d time.Duration) { time.Sleep(d) }
