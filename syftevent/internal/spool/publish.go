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

var (
	// ErrAnswered means that another answer has the name already.
	ErrAnswered = errors.New("is answered already")
	// ErrName means that a file cannot have the name of an answer until somebody
	// changes what has the name, a directory that is not empty, say. Other names are
	// not concerned, so it tells nothing of the file system.
	ErrName = errors.New("the name cannot be used")
)

// Names of temporary files begin with one of these, a server's and a client's,
// of which the first may be removed when a server starts. They end in ".tmp",
// which SyftBox does not carry to other machines.
const (
	tempPrefix = ".syftevent-serve-"
	sendPrefix = ".syftevent-send-"
	tempSuffix = ".tmp"
)

// publishAttempts is how often a link is tried that neither succeeds nor finds
// the name taken: a network file system may lose the reply.
const publishAttempts = 3

// Publish puts the answer of an entry beside it, so that the name appears with
// the whole content or not at all. If the file that asks is gone, or its
// directory, the error is ErrNotExist, and no answer stands alone. If another
// answer stands there, the error is ErrAnswered; if ours does, nil. ErrName is for this
// name only; any other error is the directory's or the file system's, a full disk, say,
// and may end at any time.
func (s *Spool) Publish(entry Entry, data []byte) error {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	if _, err := p.root.Lstat(entry.Stem + s.options.In); err != nil {
		if isStale(err) {
			s.retire(entry.Dir, p)
		}
		return err
	}
	final := entry.Stem + s.options.Out
	links, believed := s.mount()
	how := publication{prefix: tempPrefix, links: links, durable: s.options.Durable, look: !believed}
	written, err := how.publish(p.root, final, data)
	if errors.Is(err, errTorn) || errors.Is(err, ErrAnswered) {
		if torn, stays := s.staysTorn(p.root, entry); stays {
			if err := s.dropTorn(p.root, entry); err != nil {
				return err
			}
			written, err = how.publish(p.root, final, data)
		} else if torn {
			err = fmt.Errorf("publishing %s: %w", final, errTorn)
		}
	}
	if err != nil {
		s.retire(entry.Dir, p) // it may be stale, or gone
		s.relieve(err)
		return err
	}
	if _, gone := p.root.Lstat(entry.Stem + s.options.In); errors.Is(gone, fs.ErrNotExist) && removeIfSame(p.root, final, written) {
		// It went while the answer was written, which would have stood alone. If
		// the answer is not there either, somebody has fetched it.
		return gone
	}
	s.nudge(entry.Dir, final, written)
	return nil
}

// Usable reports whether the answer of an entry could have its name, and removes what can
// be removed there. The error is ErrName, or that of looking. Unless thorough, it looks only
// where the last listing has shown a directory of the name, which costs nothing
// otherwise.
func (s *Spool) Usable(entry Entry, thorough bool) error {
	final := entry.Stem + s.options.Out
	s.mu.Lock()
	directory := s.directories[path.Join(entry.Dir, final)] != nil
	s.mu.Unlock()
	if !directory && !thorough {
		return nil
	}
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return err
	}
	defer s.release(p)
	if torn, stays := s.staysTorn(p.root, entry); torn && !stays {
		return errTorn
	}
	_, err = settleName(p.root, final, nil)
	if errors.Is(err, ErrAnswered) {
		return nil // Publish tells whether it is one
	}
	return err
}

// removeIfSame removes a file unless another has its name by now, and reports
// whether it did.
func removeIfSame(root *os.Root, name string, file fs.FileInfo) bool {
	there, err := root.Lstat(name)
	return err == nil && os.SameFile(there, file) && root.Remove(name) == nil
}

// PublishFile puts a file under a name as [Spool.Publish] does, for a client, and
// returns what it was when it was written. It is not nudged.
func PublishFile(root *os.Root, name string, data []byte) (fs.FileInfo, error) {
	written, err := publication{prefix: sendPrefix, links: true, look: true}.publish(root, name, data)
	if errors.Is(err, errTorn) {
		return nil, fmt.Errorf("publishing %s: %w", name, ErrAnswered)
	}
	if err == nil || errors.Is(err, ErrAnswered) || errors.Is(err, fs.ErrNotExist) {
		return written, err
	}
	// No hard links here, perhaps.
	return publication{prefix: sendPrefix, look: true}.publish(root, name, data)
}

// A publication is a way of giving a file its name.
type publication struct {
	prefix  string // of the temporary file
	links   bool   // by a hard link, not by renaming
	durable bool   // written to the disk before and after
	look    bool   // whether a file may be another one under its new name, as on sshfs
}

func (how publication) publish(root *os.Root, final string, data []byte) (fs.FileInfo, error) {
	var err error
	for range publishAttempts {
		var written fs.FileInfo
		var published bool
		if written, published, err = how.once(root, final, data); published {
			return written, nil
		}
		if err != nil {
			break
		}
		// Neither we nor anybody else has the name: NFS has lost the reply, or
		// somebody has removed the temporary file.
		err = errNotPublished
	}
	return nil, fmt.Errorf("publishing %s: %w", final, err)
}

var errNotPublished = errors.New("the name stays free however often it is taken")

// once tries once. Without an error it may be tried again.
func (how publication) once(root *os.Root, final string, data []byte) (written fs.FileInfo, published bool, err error) {
	temp, written, err := writeTemp(root, how.prefix, path.Dir(final), data, how.durable)
	if err != nil {
		return nil, false, err
	}
	linkErr := link(root, temp, final, how.links)
	if linkErr != nil || how.links {
		defer root.Remove(temp)
	}
	if linkErr == nil {
		if how.look {
			if written, err = root.Lstat(final); err != nil {
				return nil, false, nil // gone already, or NFS is behind
			}
		}
		if how.durable {
			if err := syncDirectory(root, path.Dir(final)); err != nil {
				removeIfSame(root, final, written) // it is tried again
				return nil, false, err
			}
		}
		return written, true, nil
	}
	published, err = settleName(root, final, data)
	if published && how.look {
		written, err = root.Lstat(final)
	}
	if err == nil && !published && !errors.Is(linkErr, fs.ErrNotExist) && !errors.Is(linkErr, fs.ErrExist) {
		err = ofName(linkErr, false)
	}
	return written, published, err
}

// syncDirectory writes a directory to the disk, where the file system can.
func syncDirectory(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// writeTemp writes a temporary file into a directory and closes it.
func writeTemp(root *os.Root, prefix, dir string, data []byte, durable bool) (name string, info fs.FileInfo, err error) {
	name = path.Join(dir, prefix+rand.Text()+tempSuffix)
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", nil, err
	}
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
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

// settleName looks at what has the final name after an attempt to take it has
// failed; what the attempt said is not to be trusted: NFS may have made the link
// and lost the reply. It reports whether our own bytes have the name; what can be
// no answer (a symbolic link, an empty directory) is removed. An empty file is
// none either, but may be one that is being written. An error is final. One about
// permissions is the name's: a temporary file could be written beside it.
func settleName(root *os.Root, final string, data []byte) (published bool, err error) {
	info, err := root.Lstat(final)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, ofName(err, true)
	case !info.Mode().IsRegular():
		if err := root.Remove(final); !errors.Is(err, fs.ErrNotExist) {
			return false, ofName(err, true)
		}
		return false, nil
	case info.Size() == 0 && len(data) > 0:
		return false, errTorn
	}
	there, _, _, err := readRegular(root, final, int64(len(data)))
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return false, ofName(err, true)
	}
	if !bytes.Equal(there, data) {
		return false, ErrAnswered
	}
	return true, nil
}

// ofName makes an error ErrName if it belongs to one name, as one about permissions may.
func ofName(err error, permission bool) error {
	if err != nil && (isNameError(err) || permission && errors.Is(err, fs.ErrPermission)) {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	return err
}

// probeLinks tries whether the file system of a directory has hard links.
func probeLinks(root *os.Root) (bool, error) {
	name, _, err := writeTemp(root, tempPrefix, ".", nil, false)
	if err != nil {
		return false, err
	}
	defer root.Remove(name)
	second := tempPrefix + rand.Text() + tempSuffix
	links, err := linksAfter(root.Link(name, second))
	if links {
		err = root.Remove(second)
	}
	return links, err
}

// linksAfter tells by the outcome of a first link whether the file system has hard links.
// The error is one that may pass and does not tell.
func linksAfter(err error) (bool, error) {
	if err != nil && !mayPass(err) {
		return false, nil
	}
	return err == nil, err
}
