//go:build unix

package script

import "syscall"

func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o644) }
