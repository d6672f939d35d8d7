package engine

import (
	"syscall"
	"time"
)

// sleepBriefly sleeps for less than the resolution of the runtime's timers. It blocks a
// thread meanwhile.
func sleepBriefly(d time.Duration) {
	if d <= 0 {
		return
	}
	wait := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&wait, nil)
}
