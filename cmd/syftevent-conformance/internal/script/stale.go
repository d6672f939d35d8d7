package script

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// The suite's files may be on a network file system, which returns ESTALE for a file that another
// host replaces at that moment. readFile, readDir, lstat and statFile then try again.

func readFile(name string) ([]byte, error) {
	return retryStale(func() ([]byte, error) { return os.ReadFile(name) })
}

func readDir(name string) ([]fs.DirEntry, error) {
	return retryStale(func() ([]fs.DirEntry, error) { return os.ReadDir(name) })
}

func lstat(name string) (fs.FileInfo, error) {
	return retryStale(func() (fs.FileInfo, error) { return os.Lstat(name) })
}

func statFile(name string) (fs.FileInfo, error) {
	return retryStale(func() (fs.FileInfo, error) { return os.Stat(name) })
}

// retryStale calls a function up to five times within 0.1 s, as long as its error is ESTALE.
func retryStale[T any](f func() (T, error)) (T, error) {
	const firstPause, lastPause = time.Millisecond, 64 * time.Millisecond
	for pause := firstPause; ; pause *= 4 {
		result, err := f()
		if !errors.Is(err, syscall.ESTALE) || pause > lastPause {
			return result, err
		}
		time.Sleep(pause)
	}
}
