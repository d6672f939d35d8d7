//go:build !linux

package lease

import "time"

// systemSuspended returns for how long the machine has been suspended since it started. It is not
// known here.
func systemSuspended() time.Duration { return 0 }
