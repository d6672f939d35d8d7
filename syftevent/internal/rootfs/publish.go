package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

var (
	// ErrTaken means that another file has the name.
	ErrTaken = errors.New("name is taken by another file")
	// ErrName means that the failure belongs to one name, and says nothing about the file
	// system: a directory that is not empty has the name, for example.
	ErrName = errors.New("name cannot be used")
	// ErrIncomplete means that an empty or incomplete file has the name, which may still
	// be written to.
	ErrIncomplete = fmt.Errorf("%w: an incomplete file has it", ErrName)
)

// publishAttempts is the number of attempts if a link neither succeeds nor finds the name
// taken: a network file system may lose the reply.
const publishAttempts = 3

// RemoveIfSame removes a file, unless another file has its name by now. It reports whether
// it removed it.
func RemoveIfSame(root *os.Root, name string, file fs.FileInfo) bool {
	there, err := root.Lstat(name)
	return err == nil && os.SameFile(there, file) && root.Remove(name) == nil
}

// PublishFile publishes a file by a hard link, or by renaming if the file system has no hard
// links. prefix is the Publication.Prefix.
func PublishFile(root *os.Root, prefix, name string, data []byte) (fs.FileInfo, error) {
	written, err := Publication{Prefix: prefix, Links: true, Verify: true}.Publish(root, name, data)
	if errors.Is(err, ErrIncomplete) {
		return nil, fmt.Errorf("publish %s: %w", name, ErrTaken)
	}
	if err == nil || errors.Is(err, ErrTaken) || errors.Is(err, fs.ErrNotExist) {
		return written, err
	}
	// The file system may have no hard links.
	return Publication{Prefix: prefix, Verify: true}.Publish(root, name, data)
}

// A Publication is a way to publish a file.
type Publication struct {
	// Prefix begins the name of the temporary file.
	Prefix string
	// Links publishes by a hard link, not by renaming.
	Links bool
	// Durable syncs the file before it gets its name, and the directory after.
	Durable bool
	// Verify reads the file's info again under its new name, which is that of another file
	// on sshfs. If that fails, the info is that of the temporary file.
	Verify bool
}

// Publish writes a file so that the name appears with the whole content or not at all. It
// never replaces a file. It returns the info of the published file. Publishing the same
// bytes again is no error. It returns ErrTaken if another file has the name,
// ErrIncomplete if that file is empty, and ErrName if the name itself is the fault. Any
// other error is the directory's or the file system's and may be temporary.
func (how Publication) Publish(root *os.Root, final string, data []byte) (fs.FileInfo, error) {
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
		// Nothing has the name: another process removed the temporary file, or what had
		// the name.
		err = errNotPublished
	}
	return nil, fmt.Errorf("publish %s: %w", final, err)
}

var errNotPublished = errors.New("name is still free after every attempt to link")

// once makes one attempt. It may be repeated if it returns false and no error.
func (how Publication) once(root *os.Root, final string, data []byte) (written fs.FileInfo, published bool, err error) {
	temp, written, err := writeTemp(root, how.Prefix, path.Dir(final), data, how.Durable)
	if err != nil {
		return nil, false, err
	}
	linkErr := link(root, temp, final, how.Links)
	if linkErr != nil || how.Links {
		defer root.Remove(temp)
	}
	if linkErr == nil {
		if how.Verify {
			written = infoNow(root, final, written)
		}
		if how.Durable {
			if err := syncDirectory(root, path.Dir(final)); err != nil {
				RemoveIfSame(root, final, written) // so that a retry can publish it
				return nil, false, err
			}
		}
		return written, true, nil
	}
	published, err = SettleName(root, final, data)
	if err == nil && !published && how.Links && errors.Is(linkErr, fs.ErrNotExist) {
		// After a link, FUSE looks the new name up, and reports if its reader was quicker: the
		// file on which sshfs made the link is there.
		_, missing := root.Lstat(temp)
		return written, missing == nil, nil
	}
	if published && how.Verify {
		written = infoNow(root, final, written)
	}
	if err == nil && !published && !errors.Is(linkErr, fs.ErrNotExist) && !errors.Is(linkErr, fs.ErrExist) {
		err = ofName(linkErr, false)
	}
	return written, published, err
}

// infoNow returns the info of a file that was published, or the info from before if it
// cannot be read: the file is gone if its reader was quick, and must not be published again.
func infoNow(root *os.Root, name string, before fs.FileInfo) fs.FileInfo {
	if info, err := root.Lstat(name); err == nil {
		return info
	}
	return before
}

// syncDirectory writes a directory to disk, if the file system can.
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

// link gives the temporary file its final name, which must be free.
func link(root *os.Root, temp, final string, links bool) error {
	if links {
		return hardLink(root, temp, final)
	}
	if _, err := root.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return root.Rename(temp, final)
}

// hardLink is a variable so that tests can replace it.
var hardLink = (*os.Root).Link

// SettleName decides what has the final name, after a failed attempt to take it. The
// attempt's own error cannot be trusted: NFS may have made the link and lost the reply.
// SettleName reports whether a file with the same data has the name. It removes a
// symbolic link, a FIFO or an empty directory. It returns ErrIncomplete for an empty
// file, which may be one that is being written, and ErrTaken for a file with other data.
// A permission error becomes ErrName: a temporary file could be written beside it.
func SettleName(root *os.Root, final string, data []byte) (published bool, err error) {
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
		return false, ErrIncomplete
	}
	there, _, _, err := ReadRegular(root, final, int64(len(data)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // removed meanwhile
	}
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return false, ofName(err, true)
	}
	if !bytes.Equal(there, data) {
		return false, ErrTaken
	}
	return true, nil
}

// ofName wraps an error with ErrName if it belongs to one name. permission says whether a
// permission error does.
func ofName(err error, permission bool) error {
	if err != nil && (IsNameError(err) || permission && errors.Is(err, fs.ErrPermission)) {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	return err
}
