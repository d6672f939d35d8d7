//go:build !unix

package rootfs

import "math"

// DescriptorLimit returns math.MaxUint64: this system has no such limit.
func DescriptorLimit() uint64 { return math.MaxUint64 }

// IsOutOfDescriptors returns false: this system has no such limit.
func IsOutOfDescriptors(error) bool { return false }
