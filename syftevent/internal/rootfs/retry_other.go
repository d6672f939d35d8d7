//go:build !linux

package rootfs

func isNoData(error) bool { return false }
