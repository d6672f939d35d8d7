//go:build !unix

package syftcrypt

import "io/fs"

// Windows has no mode bits: the directory's access control list protects the files.
func checkPrivate(fs.FileInfo) error { return nil }

func checkPrivateDir(fs.FileInfo) error { return nil }

func checkParents(string) error { return nil }
