//go:build !linux

package syftevent

import "time"

// briefly sleeps as shortly as the runtime's timers can.
func briefly(d time.Duration) { time.Sleep(d) }
