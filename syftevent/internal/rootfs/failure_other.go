//go:build !unix && !windows

package rootfs

var nameErrors, transientErrors []error
