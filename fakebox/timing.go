package fakebox

import "time"

// These values were measured on SyftBox of December 2025, with the server and the clients
// on one machine, unless stated otherwise. [Config.Speed] divides the durations.
const (
	// Debounce is how long a file must be unmodified before the fast path sends it.
	Debounce = 50 * time.Millisecond
	// CycleTime is the pause between two full syncs.
	CycleTime = 5 * time.Second
	// JournalDelay is how long after sending a file the client considers it delivered.
	// Nothing acknowledges it.
	JournalDelay = time.Second
	// WatchDelay is how long after its creation a folder is watched. A file written at
	// once was missed in 11 of 12 runs, one written 20 ms later never.
	WatchDelay = 10 * time.Millisecond
	// ReconnectDelay is how long a client waits before it reconnects. It doubles with
	// each failure up to MaxReconnectDelay, with a jitter of 25 %.
	ReconnectDelay    = time.Second
	MaxReconnectDelay = 8 * time.Second
	// IgnoreTime is how long after the arrival of a file the client considers one
	// modification of it its own.
	IgnoreTime = time.Second
	// StoreTime is how long the server takes to store a file that came by the fast
	// path. It relays the file before that. Not measured.
	StoreTime = 3 * time.Millisecond
	// RemoveTime is how long a full sync takes to remove a file that was deleted on
	// the server: while 40 pairs were removed, a request existed without its response
	// for up to 0.11 s.
	RemoveTime = 1500 * time.Microsecond

	// MaxFastSize is the maximum size in bytes of a file for the fast path.
	MaxFastSize = 4 << 20
	// MaxMessageSize is the maximum size in bytes of a message. The server closes the
	// connection on a larger one. A message holds the file as base64, so files from
	// about 3 MiB to MaxFastSize are sent, and lost.
	MaxMessageSize = 4 << 20
	// messageOverhead is the size of a message without its file and path.
	messageOverhead = 120

	// QueueLength is the length of the server's queue of messages from one client. The
	// server drops further messages without telling the client.
	QueueLength = 8
	// ReceiveQueueLength is the number of messages that can be under way to one client:
	// 8 in the server, 8 and 16 in the client. The next full sync delivers the files of
	// dropped messages.
	ReceiveQueueLength = 32
	// SendTime and ServeTime are how long a client takes to send a message, and the
	// server to handle it. They are fitted, not measured: with them, of 8, 12, 20, 40
	// and 100 files modified at once 0, 0, 1, 9 and 35 are lost; measured were 0, 1, 1,
	// 8 and 35.
	SendTime  = time.Millisecond
	ServeTime = 1750 * time.Microsecond

	// maxKeyLength is the maximum length in bytes of a path on the server.
	maxKeyLength = 1024
)
