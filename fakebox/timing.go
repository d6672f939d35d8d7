package fakebox

import "time"

// What was measured on SyftBox of December 2025, server and clients on one
// machine. [Config.Speed] divides the durations; the sizes stay.
const (
	// Debounce is how long a file must not have been modified before the fast
	// path sends it.
	Debounce = 50 * time.Millisecond
	// CycleTime is how long a replica waits after a full synchronisation.
	CycleTime = 5 * time.Second
	// JournalDelay is how long after sending a file a replica takes it for
	// granted that it has arrived. Nothing acknowledges it.
	JournalDelay = time.Second
	// WatchDelay is how long a new folder stands before what is written in it is
	// seen: a file written at once was missed 11 of 12 times, one written 20 ms
	// later never.
	WatchDelay = 10 * time.Millisecond
	// ReconnectDelay is how long a client waits before it connects again. Each time
	// that fails it waits twice as long, up to MaxReconnectDelay, give or take a
	// quarter.
	ReconnectDelay    = time.Second
	MaxReconnectDelay = 8 * time.Second
	// IgnoreTime is how long after the arrival of a file a modification of it is
	// taken for the client's own, once.
	IgnoreTime = time.Second
	// StoreTime is how long the server takes to store a file that came by the fast
	// path. By then it has sent the file on. The value was not measured.
	StoreTime = 3 * time.Millisecond

	// RemoveTime is how long a full synchronisation takes to remove a file that is not
	// on the server any more: a request stood alone for up to 0.11 s while 40 pairs
	// were removed.
	RemoveTime = 1500 * time.Microsecond

	// MaxFastSize is the size in bytes above which a file is not for the fast path.
	MaxFastSize = 4 << 20
	// MaxMessageSize is the size in bytes above which the server breaks the
	// connection. A file travels in a message as base64: one of more than about
	// 3.1 MB is too large for it, and one of less than MaxFastSize is sent all the
	// same.
	MaxMessageSize = 4 << 20
	// messageOverhead is what a message adds to a file and its path.
	messageOverhead = 120

	// QueueLength is how many messages of one replica the server keeps waiting.
	// One more is dropped, without a word to its sender.
	QueueLength = 8
	// ReceiveQueueLength is how many messages may be on their way to one replica:
	// 8 in the server, 8 and 16 in the client. What is dropped there comes with
	// the next full synchronisation.
	ReceiveQueueLength = 32
	// SendTime and ServeTime are how long a replica needs to send a message and
	// the server to take it from the queue. They were not measured; with them 8,
	// 12, 20, 40 and 100 files modified at once lose 0, 0, 1, 9 and 35, where 0,
	// 1, 1, 8 and 35 were lost.
	SendTime  = time.Millisecond
	ServeTime = 1750 * time.Microsecond

	// maxKeyLength is how long a path may be for the server, in bytes.
	maxKeyLength = 1024
)
