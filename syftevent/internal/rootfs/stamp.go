package rootfs

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// A Stamp holds the times of a directory. Compare it only with other stamps of the same
// directory: the clock behind it may be another machine's.
type Stamp struct {
	Modified int64 // in nanoseconds
	Changed  int64 // in nanoseconds; 0 if the system has no such time
}

// ModTime returns the modification time. Nanoseconds reach to the year 2262; a later time, which
// has wrapped, counts as that.
func (s Stamp) ModTime() time.Time {
	if s.Modified < 0 {
		return time.Unix(0, math.MaxInt64)
	}
	return time.Unix(0, s.Modified)
}

// ReadStampPortable is [ReadStamp] without system calls that only some systems have.
func ReadStampPortable(dir, name string) (Stamp, error) {
	info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return Stamp{}, err
	}
	if !info.IsDir() {
		return Stamp{}, fs.ErrNotExist
	}
	return Stamp{Modified: info.ModTime().UnixNano()}, nil
}
