//go:build !linux || !(amd64 || arm64)

package spool

import "os"

func readStamp(_ *os.File, dir string, d *directory) (stamp, error) { return portableStamp(dir, d) }

func readNative(f *os.File, into *listing) error { return readNames(f, into) }
