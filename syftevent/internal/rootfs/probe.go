package rootfs

import (
	"errors"
	"os"
)

// ProbeLinks tests whether the file system of a directory has hard links. prefix begins the
// names of its temporary files.
func ProbeLinks(root *os.Root, prefix string) (bool, error) {
	name, _, err := writeTemp(root, prefix, ".", nil, false)
	if err != nil {
		return false, err
	}
	defer root.Remove(name)
	second := tempName(prefix)
	links, err := linksAfter(root.Link(name, second))
	if links {
		err = root.Remove(second)
	}
	return links, err
}

// linksAfter reports whether the file system has hard links, given the error of a first
// link. It returns the error if it is transient and decides nothing.
func linksAfter(err error) (bool, error) {
	if err != nil && !isTransient(err) {
		return false, nil
	}
	return err == nil, err
}

// ProbeSpace tests whether a file of size bytes fits into the directory of root, by
// writing one and removing it. prefix begins the name of that file.
func ProbeSpace(root *os.Root, prefix string, size int) error {
	name := tempName(prefix)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer root.Remove(name)
	part := make([]byte, 64<<10)
	for ; size > 0 && err == nil; size -= len(part) {
		_, err = f.Write(part[:min(size, len(part))])
	}
	return errors.Join(err, f.Close())
}
