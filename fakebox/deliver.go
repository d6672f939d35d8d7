package fakebox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"
)

// A Mode is a way in which SyftBox brings a file into a replica.
type Mode int

const (
	// WebSocket is the fast path for requests and responses: the file is
	// written elsewhere, mode 0600, and renamed into its place. The folder
	// sees nothing but the finished file.
	WebSocket Mode = iota
	// BlobStore is the full synchronisation: the file is written beside its
	// place under a temporary name, given mode 0644 and the time when its
	// download ended, and renamed.
	BlobStore
	// BlobStoreInPlace is the full synchronisation of the released client
	// 0.8.7: the file is created in its place and filled. What has not arrived
	// yet is missing for everyone to see.
	BlobStoreInPlace
)

var modeNames = map[Mode]string{
	WebSocket:        "websocket",
	BlobStore:        "blobstore",
	BlobStoreInPlace: "blobstore-in-place",
}

// String returns the name that [ParseMode] reads.
func (m Mode) String() string { return modeNames[m] }

// ParseMode returns the mode of a name: "websocket", "blobstore" or
// "blobstore-in-place".
func ParseMode(name string) (Mode, error) {
	for mode, known := range modeNames {
		if known == name {
			return mode, nil
		}
	}
	return 0, fmt.Errorf("fakebox: no delivery mode %q: there are websocket, blobstore and blobstore-in-place", name)
}

// MarshalText returns the name of the mode, for flags and for JSON.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a name as [ParseMode] does.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// DefaultChunkSize is what the released client copies in one piece.
const DefaultChunkSize = 32 << 10

// A Delivery says how a file is delivered.
type Delivery struct {
	// Mode is WebSocket if it is left out.
	Mode Mode
	// ChunkSize is how many bytes BlobStoreInPlace writes at once;
	// DefaultChunkSize if it is 0.
	ChunkSize int
	// Pause is how long BlobStoreInPlace waits between two chunks.
	Pause time.Duration
}

// Deliver puts a file into the person's own datasite as SyftBox does, making
// the folders that it needs. The path has slashes and is relative to the
// datasite. A path that would leave it is an error, as is a mode that does not
// exist; an error fails the test that [New] was given. In a network that was
// started, the file is then on the server too, and other replicas get it as they
// get any.
func (r *Replica) Deliver(name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(name, data, how))
}

func (r *Replica) deliver(name string, data []byte, how Delivery) error {
	b := r.box
	b.clock.enter()
	defer b.clock.leave()
	if modeNames[how.Mode] == "" {
		return fmt.Errorf("fakebox: no delivery mode %d", how.Mode)
	}
	key, err := r.key(r.Email, name)
	if err != nil {
		return err
	}
	if b.hasStarted() {
		if !r.running() {
			return fmt.Errorf("fakebox: delivering %s: SyftBox of %s is stopped", name, r.Email)
		}
		if err := b.hub.put(r.Email, key, data); err != nil {
			return fmt.Errorf("fakebox: delivering %s: %w", name, err)
		}
	}
	via := ViaFullSync
	if how.Mode == WebSocket {
		via = ViaFast
	}
	if err := r.arrive(key, data, etagOf(data), how, via); err != nil {
		r.setError(key, via, err)
		return fmt.Errorf("fakebox: delivering %s: %w", name, err)
	}
	return nil
}

// key returns the path below "datasites" of a file in a datasite.
func (r *Replica) key(datasite, name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return "", fmt.Errorf("fakebox: path %q must be relative, clean, and not lead out of the datasite of %s", name, datasite)
	}
	return path.Join(datasite, name), nil
}

// place writes a file as the delivery says. The path is relative to "datasites".
func (r *Replica) place(key string, data []byte, how Delivery, set times) error {
	final := path.Join("datasites", key)
	if err := r.root.MkdirAll(path.Dir(final), 0o755); err != nil {
		return err
	}
	switch how.Mode {
	case WebSocket:
		// The folder stands beside "datasites", not in it.
		const tempDir = ".syft-tmp"
		if err := r.root.MkdirAll(tempDir, 0o755); err != nil {
			return err
		}
		temp := path.Join(tempDir, fmt.Sprintf("%s.syft.tmp.%d", path.Base(final), uint32(r.box.draw(final))))
		return r.placeByRename(temp, final, data, 0o600, set)
	case BlobStore:
		temp := fmt.Sprintf("%s.tmp.%d", final, uint32(r.box.draw(final)))
		return r.placeByRename(temp, final, data, 0o644, set)
	default:
		return r.placeInPlace(final, data, how, set)
	}
}

// placeByRename writes a new file and gives it its name. SyftBox also syncs it to the
// disk, which is seen after a power loss only. And it sets the time
// of a download to when it ended: now. That is what the file has, by the file
// system's clock, which the clock of a test cannot turn back.
func (r *Replica) placeByRename(temp, final string, data []byte, mode os.FileMode, set times) error {
	f, err := r.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = r.root.Chmod(temp, mode)
	}
	if err == nil {
		err = set.apply(r.root, temp)
	}
	if err == nil {
		err = r.root.Rename(temp, final)
	}
	if err != nil {
		r.root.Remove(temp)
	}
	return err
}

func (r *Replica) placeInPlace(final string, data []byte, how Delivery, set times) error {
	f, err := r.root.OpenFile(final, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	size := how.ChunkSize
	if size <= 0 {
		size = DefaultChunkSize
	}
	for len(data) > 0 {
		chunk := data[:min(size, len(data))]
		data = data[len(chunk):]
		if _, err := f.Write(chunk); err != nil {
			return errors.Join(err, f.Close())
		}
		if len(data) > 0 {
			if err := r.pause(how.Pause); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return set.apply(r.root, final)
}

// errStopped is what becomes of a file that is being written when SyftBox is stopped.
var errStopped = errors.New("stopped")

// pause waits, unless what writes here ends.
func (r *Replica) pause(d time.Duration) error {
	s := r.current()
	if s == nil {
		s = r.box.session
	}
	if !s.wait(d) {
		return errStopped
	}
	return nil
}

// times is what a fault makes of a file's modification time; nil leaves it alone.
type times func(now time.Time) time.Time

func (t times) apply(root *os.Root, name string) error {
	if t == nil {
		return nil
	}
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	changed := t(info.ModTime())
	return root.Chtimes(name, changed, changed)
}
