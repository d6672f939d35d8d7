//go:build linux && !android && (amd64 || arm64)

package rootfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// ReadStamp returns the stamp of a directory, or ErrNotExist if there is none. anchor is
// the open directory dir. cname is the name relative to it, followed by a zero byte. It
// does not allocate.
func ReadStamp(anchor *os.File, _ string, cname []byte) (Stamp, error) {
	var st syscall.Stat_t
	if err := lstatAt(anchor, cname, &st); err != nil {
		return Stamp{}, err
	}
	return Stamp{st.Mtim.Nano(), st.Ctim.Nano()}, nil
}

// ReadState returns the state of a file without following a symbolic link that has its
// name. anchor is the open directory dir. cname is the name relative to it, followed by a
// zero byte. It does not allocate.
func ReadState(anchor *os.File, _ string, cname []byte) (FileState, error) {
	var st syscall.Stat_t
	if err := statAt(anchor, cname, &st); err != nil {
		return FileState{}, err
	}
	kind := Other
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		kind = Regular
	case syscall.S_IFDIR:
		kind = Directory
	}
	return FileState{kind, st.Size, st.Mtim.Nano()}, nil
}

// ChangedAt returns the time of the last change of a file or its inode, in nanoseconds.
func ChangedAt(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return info.ModTime().UnixNano()
}

// An Identity distinguishes a file from others that exist at the same time.
type Identity struct{ device, inode uint64 }

// IdentityOf returns the identity of the file that info describes.
func IdentityOf(info fs.FileInfo) Identity {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Identity{}
	}
	return Identity{st.Dev, st.Ino}
}

// Is reports whether info describes the same file.
func (i Identity) Is(info fs.FileInfo) bool { return i != Identity{} && i == IdentityOf(info) }

// IsAt reports whether the name still leads to the directory.
func IsAt(anchor *os.File, _, name string, directory Identity) bool {
	var st syscall.Stat_t
	err := lstatAt(anchor, append([]byte(name), 0), &st)
	return err == nil && directory == Identity{st.Dev, st.Ino}
}

// lstatAt stats a directory as statAt does.
func lstatAt(anchor *os.File, cname []byte, st *syscall.Stat_t) error {
	if err := statAt(anchor, cname, st); err != nil {
		return err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return syscall.ENOENT // something else has its name
	}
	return nil
}

// statAt stats a file by a name that ends in a zero byte, relative to the open directory
// anchor, which spares the kernel the path to it.
func statAt(anchor *os.File, cname []byte, st *syscall.Stat_t) error {
	const noFollow = 0x100 // AT_SYMLINK_NOFOLLOW
	for {
		_, _, errno := syscall.Syscall6(sysFstatat, anchor.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(cname))),
			uintptr(unsafe.Pointer(st)), noFollow, 0, 0)
		runtime.KeepAlive(anchor)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return errno
		}
		return nil
	}
}

// listNative lists a directory without an allocation. Opening a directory with os.Root takes
// twice as long as listing a small one.
func listNative(root *os.Root, anchor *os.File, name string, into *Listing) error {
	into.cname = append(append(into.cname[:0], name...), 0)
	fd, err := openBeneath(anchor, into.cname)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return listWith(root, name, into, func(f *os.File, into *Listing) error {
			return readNative(int(f.Fd()), into)
		})
	case err != nil:
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(fd)
	return readNative(fd, into)
}

// sysOpenat2 is a variable so that tests can take it away.
var sysOpenat2 uintptr = 437

// openBeneath opens a directory by a name that ends in a zero byte, relative to the open
// directory anchor. As with os.Root, the kernel refuses a path that leads out of it; it also
// refuses symbolic links. The error is errors.ErrUnsupported if os.Root should open it: the
// kernel is older than Linux 5.6, a sandbox refuses the call, or the path is very long.
func openBeneath(anchor *os.File, cname []byte) (fd int, err error) {
	const (
		noMagic = 0x02 // RESOLVE_NO_MAGICLINKS
		noLinks = 0x04 // RESOLVE_NO_SYMLINKS
		beneath = 0x08 // RESOLVE_BENEATH
	)
	// struct open_how
	how := struct{ flags, mode, resolve uint64 }{
		flags:   syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NONBLOCK | syscall.O_CLOEXEC,
		resolve: noMagic | noLinks | beneath,
	}
	for {
		r, _, errno := syscall.Syscall6(sysOpenat2, anchor.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(cname))),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		runtime.KeepAlive(anchor)
		switch errno {
		case 0:
			return int(r), nil
		case syscall.EINTR:
		case syscall.ENOENT, syscall.EMFILE, syscall.ENFILE:
			return -1, errno
		case syscall.ELOOP, syscall.ENOTDIR:
			return -1, syscall.ENOENT // something else has its name
		default:
			return -1, errors.ErrUnsupported
		}
	}
}

// readNative lists an open directory with getdents64(2), without an allocation for each
// name. It parses struct linux_dirent64.
func readNative(fd int, into *Listing) error {
	if into.buffer == nil {
		into.buffer = make([]byte, 64<<10)
	}
	const lengthAt, typeAt, nameAt = 16, 18, 19
	for {
		n, err := syscall.ReadDirent(fd, into.buffer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("getdents64", err)
		}
		if n <= 0 {
			return nil
		}
		for data := into.buffer[:n]; len(data) > nameAt; {
			length := int(binary.NativeEndian.Uint16(data[lengthAt:]))
			if length <= nameAt || length > len(data) {
				return os.NewSyscallError("getdents64", syscall.EIO)
			}
			name, _, _ := bytes.Cut(data[nameAt:length], []byte{0})
			if present := binary.NativeEndian.Uint64(data) != 0; present && string(name) != "." && string(name) != ".." {
				into.Add(name, nativeKind(data[typeAt]))
			}
			data = data[length:]
		}
	}
}

func nativeKind(dtype byte) Kind {
	switch dtype {
	case syscall.DT_REG:
		return Regular
	case syscall.DT_DIR:
		return Directory
	case syscall.DT_UNKNOWN:
		return Unknown
	}
	return Other
}
