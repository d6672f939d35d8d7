package spool

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// ErrAnswered means that another answer has the name already.
var ErrAnswered = errors.New("is answered already")

// tempPrefix begins the names of our temporary files. They end in ".tmp", which
// SyftBox does not carry to other machines.
const tempPrefix, tempSuffix = ".syftevent-", ".tmp"

// publishAttempts is how often a link is tried that neither succeeds nor finds
// the name taken: a network file system may lose the reply.
const publishAttempts = 3

// Publish puts the answer of an entry beside it, so that the name appears with
// the whole content or not at all. The directory must exist. If another answer
// stands there, the error is ErrAnswered; if ours does, nil.
func (s *Spool) Publish(entry Entry, data []byte) error {
	final := path.Join(entry.Dir, entry.Stem) + s.options.Out
	written, err := publish(s.current(), final, data, s.links)
	if err == nil {
		s.nudge(entry.Dir, final, written)
	}
	return err
}

// PublishFile puts a file under a name as [Spool.Publish] does, and returns what
// it was when it was written. It is not nudged.
func PublishFile(root *os.Root, name string, data []byte) (fs.FileInfo, error) {
	written, err := publish(root, name, data, true)
	if err == nil || errors.Is(err, ErrAnswered) || errors.Is(err, fs.ErrNotExist) {
		return written, err
	}
	// No hard links here, perhaps.
	return publish(root, name, data, false)
}

func publish(root *os.Root, final string, data []byte, links bool) (fs.FileInfo, error) {
	temp, written, err := writeTemp(root, path.Dir(final), data)
	if err != nil {
		return nil, fmt.Errorf("publishing %s: %w", final, err)
	}
	defer root.Remove(temp)
	for range publishAttempts {
		if err = link(root, temp, final, links); err != nil {
			published, fatal := settleName(root, final, data, err)
			if fatal != nil {
				return nil, fmt.Errorf("publishing %s: %w", final, fatal)
			}
			if !published {
				continue
			}
		}
		return written, nil
	}
	return nil, fmt.Errorf("publishing %s: %w", final, err)
}

// writeTemp writes a temporary file into a directory and closes it.
func writeTemp(root *os.Root, dir string, data []byte) (name string, info fs.FileInfo, err error) {
	name = path.Join(dir, tempPrefix+rand.Text()+tempSuffix)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", nil, err
	}
	_, err = f.Write(data)
	if err == nil {
		info, err = f.Stat()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		root.Remove(name)
		return "", nil, err
	}
	return name, info, nil
}

// link gives the temporary file its final name, which must not exist.
func link(root *os.Root, temp, final string, links bool) error {
	if links {
		return root.Link(temp, final)
	}
	if _, err := root.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return root.Rename(temp, final)
}

// settleName looks at what has the final name after an attempt to take it
// failed with linkErr, which is not to be trusted: NFS may have made the link
// and lost the reply. It reports whether our own bytes have the name; what can
// be no answer (a symbolic link, an empty directory) is removed. An error is
// final.
func settleName(root *os.Root, final string, data []byte, linkErr error) (published bool, err error) {
	info, err := root.Lstat(final)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if errors.Is(linkErr, fs.ErrNotExist) {
			return false, linkErr // the directory is gone, not only the name
		}
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, root.Remove(final)
	}
	there, _, _, err := readRegular(root, final, int64(len(data)))
	if err != nil && !errors.Is(err, errTooLarge) {
		return false, err
	}
	if !bytes.Equal(there, data) {
		return false, ErrAnswered
	}
	return true, nil
}

// probeLinks tries whether the file system of a directory has hard links.
func probeLinks(root *os.Root) (bool, error) {
	name, _, err := writeTemp(root, ".", nil)
	if err != nil {
		return false, err
	}
	defer root.Remove(name)
	second := tempPrefix + rand.Text() + tempSuffix
	if root.Link(name, second) != nil {
		return false, nil
	}
	return true, root.Remove(second)
}
