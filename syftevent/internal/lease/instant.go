package lease

import (
	"math"
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// An Instant is a moment on a clock that, on Linux, goes on while the machine is suspended, if
// other machines may go on meanwhile.
type Instant struct {
	time      time.Time
	suspended time.Duration
}

// Sub returns the time between two moments.
func (i Instant) Sub(earlier Instant) time.Duration {
	if earlier.time.IsZero() {
		return math.MaxInt64
	}
	return i.time.Sub(earlier.time) + i.suspended - earlier.suspended
}

// clockFor returns the function that tells for how long the machine has been suspended while
// others may have gone on: a file system of this machine is suspended with it.
func clockFor(dir Dir) func() time.Duration {
	f, err := os.Open(string(dir))
	if err != nil {
		return systemSuspended
	}
	defer f.Close()
	if rootfs.IsLocal(f) {
		return func() time.Duration { return 0 }
	}
	return systemSuspended
}
