package fakebox

import (
	"fmt"
	"path"
	"path/filepath"
	"time"
)

// A Mode is a way in which SyftBox writes a file into a replica.
type Mode int

const (
	// WebSocket is the fast path for requests and responses: the file is written in
	// another folder, with mode 0600, and renamed. Only complete files are visible.
	WebSocket Mode = iota
	// BlobStore is the full sync: the file is written under a temporary name in the
	// same folder, with mode 0644, and renamed.
	BlobStore
	// BlobStoreInPlace is the full sync of the released client 0.8.7: the file is
	// created in place and then filled, so that incomplete files are visible.
	BlobStoreInPlace
)

var modeNames = map[Mode]string{
	WebSocket:        "websocket",
	BlobStore:        "blobstore",
	BlobStoreInPlace: "blobstore-in-place",
}

// String returns the name of the mode, as [ParseMode] accepts it.
func (m Mode) String() string { return modeNames[m] }

// ParseMode returns the mode with the given name: "websocket", "blobstore" or
// "blobstore-in-place".
func ParseMode(name string) (Mode, error) {
	for mode, known := range modeNames {
		if known == name {
			return mode, nil
		}
	}
	return 0, fmt.Errorf("fakebox: unknown delivery mode %q: want one of websocket, blobstore, blobstore-in-place", name)
}

// MarshalText returns the name of the mode.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText sets the mode to the one with the given name.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// DefaultChunkSize is the chunk size of the released client, in bytes.
const DefaultChunkSize = 32 << 10

// A Delivery specifies how a file is delivered. The zero value delivers it by the
// WebSocket.
type Delivery struct {
	Mode Mode
	// ChunkSize is the number of bytes that BlobStoreInPlace writes at once. Defaults
	// to DefaultChunkSize.
	ChunkSize int
	// Pause is how long BlobStoreInPlace waits between two chunks. Defaults to 0.
	Pause time.Duration
}

// Deliver writes a file into the person's own datasite as SyftBox does, and creates its
// folders. The name is relative to the datasite, with slashes. If the network was
// started, the file is also put on the server, so that other replicas receive it. Deliver
// returns an error if the name leads out of the datasite, the mode is unknown, or the
// network was started and the client is stopped. An error fails the test passed to [New].
func (r *Replica) Deliver(name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(name, data, how))
}

func (r *Replica) deliver(name string, data []byte, how Delivery) error {
	b, d := r.box, r.daemon
	b.sim.clock.enter()
	defer b.sim.clock.leave()
	if modeNames[how.Mode] == "" {
		return fmt.Errorf("fakebox: deliver %s: unknown delivery mode %d", name, how.Mode)
	}
	key, err := keyIn(r.Email, name)
	if err != nil {
		return err
	}
	if started, _ := b.state(); started {
		if !d.process.running() {
			return fmt.Errorf("fakebox: deliver %s: client of %s is stopped", name, r.Email)
		}
		if err := b.hub.store.put(r.Email, key, data); err != nil {
			return fmt.Errorf("fakebox: deliver %s: %w", name, err)
		}
	}
	via := ViaFullSync
	if how.Mode == WebSocket {
		via = ViaFast
	}
	if err := d.receiver.arrive(key, data, etagOf(data), how, via); err != nil {
		d.states.setError(key, via, err)
		return fmt.Errorf("fakebox: deliver %s: %w", name, err)
	}
	return nil
}

// keyIn returns the key of a file in a datasite.
func keyIn(datasite, name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return "", fmt.Errorf("fakebox: path %q is not a clean relative path inside the datasite of %s", name, datasite)
	}
	return path.Join(datasite, name), nil
}
