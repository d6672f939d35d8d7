package lease

import (
	"syscall"
	"time"
	"unsafe"
)

// The numbers of clocks in clock_gettime(2).
const (
	clockMonotonic = 1
	clockBoottime  = 7
)

// The process may be interrupted between two readings of clocks.
const (
	maxBetween   = 10 * time.Millisecond
	mostReadings = 100
)

// systemSuspended returns for how long the machine has been suspended since it started. The
// monotonic clock, which package time uses, stands still then.
func systemSuspended() time.Duration {
	for range mostReadings {
		before, ok := clock(clockMonotonic)
		boottime, alsoOK := clock(clockBoottime)
		after, _ := clock(clockMonotonic)
		if !ok || !alsoOK {
			break
		}
		if after-before <= maxBetween {
			return boottime - before
		}
	}
	return 0
}

func clock(number uintptr) (time.Duration, bool) {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, number, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano()), errno == 0
}
