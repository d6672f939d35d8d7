package syftevent

import (
	"syscall"
	"time"
)

// sleepBriefly sleeps for less than the runtime's timers can measure. It occupies a
// thread meanwhile.
func sleepBriefly(d time.Duration) {
	if d <= 0 {
		return
	}
	wait := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&wait, nil)
}
