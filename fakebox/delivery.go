package fakebox

import (
	"fmt"
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
	// Mode is how the file is written. Defaults to WebSocket.
	Mode Mode
	// ChunkSize is the number of bytes that BlobStoreInPlace writes at once. Defaults
	// to DefaultChunkSize.
	ChunkSize int
	// Pause is how long BlobStoreInPlace waits between two chunks. Defaults to 0.
	Pause time.Duration
}
