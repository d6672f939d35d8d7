package engine

import (
	"syscall"
	"time"
)

// processTime returns the processor time of this process so far, 0 if it is not known.
func processTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// sleepBriefly sleeps for less than the resolution of the runtime's timers. It blocks a
// thread meanwhile.
func sleepBriefly(d time.Duration) {
	if d <= 0 {
		return
	}
	wait := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&wait, nil)
}
