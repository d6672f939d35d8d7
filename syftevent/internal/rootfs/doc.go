// Package rootfs has file operations below an os.Root that are safe while others create,
// replace and remove files there: listing in parts, reading whole, publishing, moving
// and removing. It follows no symbolic link and never blocks on a FIFO. It knows
// nothing of what files contain or what they are for.
package rootfs
