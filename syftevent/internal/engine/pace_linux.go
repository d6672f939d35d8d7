package engine

import (
	"syscall"
	"time"
	"unsafe"
)

// clockThread is CLOCK_THREAD_CPUTIME_ID. getrusage(2) is as exact as the scheduler's ticks only.
const clockThread = 3

// threadTime returns the processor time of this thread so far, 0 if it is not known.
func threadTime() time.Duration {
	var now syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThread, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		return 0
	}
	return time.Duration(now.Nano())
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
