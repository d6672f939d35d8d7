package rootfs

import "time"

// Retry calls a function until it succeeds, at most five times within 0.1 s, as long as it fails
// with an error by which network file systems report that another host changed a name at the
// same moment: ESTALE, which opening a file that is being replaced gives on NFS and GlusterFS,
// and ENODATA, which GlusterFS gave for a directory that two mounts made at once.
func Retry(f func() error) error {
	const firstPause, lastPause = time.Millisecond, 64 * time.Millisecond
	for pause := firstPause; ; pause *= 4 {
		err := f()
		if pause > lastPause || !IsStale(err) && !isNoData(err) {
			return err
		}
		time.Sleep(pause)
	}
}
