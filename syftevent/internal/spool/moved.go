package spool

import (
	"io/fs"
	"os"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// These names are rootfs's. The next commit removes them here.
type (
	Walk = rootfs.Walk
	Part = rootfs.Part
	Name = rootfs.Name
)

var (
	ErrAnswered = rootfs.ErrTaken
	ErrName     = rootfs.ErrName
	ErrTooLarge = rootfs.ErrTooLarge
	IsTemporary = rootfs.IsTemporary
	Move        = rootfs.Move
	PublishFile = rootfs.PublishFile
	ReadFile    = rootfs.ReadFile
	Replace     = rootfs.Replace
)

func Touch(root *os.Root, name string, published fs.FileInfo) {
	rootfs.Touch(root, name, rootfs.VersionOf(published))
}
