package fakebox

import (
	"fmt"
	"strings"
)

// A Fault is a way in which the delivery of a file goes wrong. The real SyftBox, or the
// machine it runs on, has been observed to do each of them.
type Fault string

// The faults. [Faults] describes each of them.
const (
	BurstLoss Fault = "burst-loss"
	DeadZone  Fault = "dead-zone"
	Late      Fault = "late"
	Reorder   Fault = "reorder"
	Vanish    Fault = "vanish"
	Repush    Fault = "repush"
	Torn      Fault = "torn"
	Truncated Fault = "truncated"
	Duplicate Fault = "duplicate"
	Answered  Fault = "answered"
	Conflict  Fault = "conflict"
	Future    Fault = "future"
	Coarse    Fault = "coarse"
	Skew      Fault = "skew"
	Offline   Fault = "offline"
)

// A point is a step of a file's delivery at which a fault can strike.
type point string

const (
	atCompose point = "compose" // Send or the gateway creates a request
	atNotice  point = "notice"  // the watch reports a modified file
	atSend    point = "send"    // the client sends a file by the fast path
	atArrival point = "arrival" // the client writes a file into the replica
	atCycle   point = "cycle"   // a full sync begins
)

// A FaultInfo describes a fault.
type FaultInfo struct {
	Fault Fault
	// Description is a sentence that says what the fault does.
	Description string
	// Requirement is the id of the requirement in SPEC.md that obliges an
	// implementation to survive the fault.
	Requirement string

	point    point
	requests bool // strikes requests only
}

var faults = []FaultInfo{
	{BurstLoss, "The hub's queue is full: it drops the message, and the next full sync deletes the sender's own file.", "publish-again", atSend, false},
	{DeadZone, "The message is too large: it is lost, the sender's file is deleted, and the connection is down for a second.", "publish-again", atSend, false},
	{Late, "The client misses the modification: a full sync delivers the file 5 to 10 seconds late.", "detect-blobstore", atNotice, false},
	{Reorder, "The message is delayed for up to a second: later messages overtake it.", "detect-websocket", atSend, false},
	{Vanish, "The file is deleted a quarter of a second after it arrived, and comes back with the next full sync.", "proc-once", atArrival, false},
	{Repush, "The same bytes are delivered again, as a new file with the same name.", "proc-once", atArrival, false},
	{Torn, "The file is written in place, in three pieces with pauses.", "read-whole", atArrival, false},
	{Truncated, "Half of the file is written in place, and the rest never arrives.", "read-settle", atArrival, true},
	{Duplicate, "The file arrives by the fast path and again by a full sync.", "proc-once", atArrival, false},
	{Answered, "A response written by somebody else exists before the request arrives.", "proc-once", atArrival, true},
	{Conflict, "The file is renamed to its conflict marker, and comes back a cycle later.", "detect-markers", atArrival, false},
	{Future, "The file's modification time is an hour in the future.", "detect-websocket", atArrival, false},
	{Coarse, "The file's modification time is a multiple of two seconds.", "detect-websocket", atArrival, false},
	{Skew, "The sender's clock is 25 hours slow: the request has expired before it is sent.", "proc-expired", atCompose, true},
	{Offline, "The client is offline for one cycle.", "detect-waiting", atCycle, false},
}

// Faults returns the table of faults.
func Faults() []FaultInfo { return append([]FaultInfo(nil), faults...) }

// ParseFault returns the fault with the given name. If there is none, the error lists
// all faults.
func ParseFault(name string) (Fault, error) {
	var names []string
	for _, info := range faults {
		if string(info.Fault) == name {
			return info.Fault, nil
		}
		names = append(names, string(info.Fault))
	}
	return "", fmt.Errorf("fakebox: unknown fault %q: want one of %s", name, strings.Join(names, ", "))
}
