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
// exist; an error fails the test that [New] was given.
func (r *Replica) Deliver(name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(name, data, how))
}

func (r *Replica) deliver(name string, data []byte, how Delivery) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("fakebox: path %q must be relative, and not lead out of the datasite of %s", name, r.Email)
	}
	final := path.Join("datasites", r.Email, name)
	if err := r.root.MkdirAll(path.Dir(final), 0o755); err != nil {
		return fmt.Errorf("fakebox: making the folder of %s: %w", name, err)
	}
	var err error
	switch how.Mode {
	case WebSocket:
		err = r.deliverWebSocket(final, data)
	case BlobStore:
		err = r.deliverBlob(final, data)
	case BlobStoreInPlace:
		err = r.deliverInPlace(final, data, how)
	default:
		return fmt.Errorf("fakebox: no delivery mode %d", how.Mode)
	}
	if err != nil {
		return fmt.Errorf("fakebox: delivering %s: %w", name, err)
	}
	return nil
}

func (r *Replica) deliverWebSocket(final string, data []byte) error {
	// The folder stands beside "datasites", not in it.
	const tempDir = ".syft-tmp"
	if err := r.root.MkdirAll(tempDir, 0o755); err != nil {
		return err
	}
	temp := path.Join(tempDir, fmt.Sprintf("%s.syft.tmp.%d", path.Base(final), r.box.draw(final)))
	if err := r.writeTemp(temp, data); err != nil {
		return err
	}
	return r.root.Rename(temp, final)
}

func (r *Replica) deliverBlob(final string, data []byte) error {
	temp := fmt.Sprintf("%s.tmp.%d", final, r.box.draw(final))
	if err := r.writeTemp(temp, data); err != nil {
		return err
	}
	// SyftBox also sets the time to when its download ended: now. That is what the
	// file has, by the file system's clock, which the clock of a test cannot turn back.
	if err := r.root.Chmod(temp, 0o644); err != nil {
		return err
	}
	return r.root.Rename(temp, final)
}

func (r *Replica) deliverInPlace(final string, data []byte, how Delivery) error {
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
			time.Sleep(how.Pause)
		}
	}
	return f.Close()
}

// writeTemp writes a new file as SyftBox writes its temporary ones.
func (r *Replica) writeTemp(name string, data []byte) error {
	f, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
