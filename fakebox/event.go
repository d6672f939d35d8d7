package fakebox

import (
	"fmt"
	"strings"
	"time"
)

// An Op is the kind of an [Event].
type Op string

const (
	// OpWrite means that the client noticed a file that an application modified.
	OpWrite Op = "write"
	// OpSend means that the client sent a file by the fast path.
	OpSend Op = "send"
	// OpUpload means that a full sync uploaded a file to the server.
	OpUpload Op = "upload"
	// OpLose means that the server dropped a message.
	OpLose Op = "lose"
	// OpRefuse means that the server refused a file or a deletion.
	OpRefuse Op = "refuse"
	// OpArrive means that the client wrote a file into the replica.
	OpArrive Op = "arrive"
	// OpDelete means that a full sync deleted a file on the server because an
	// application had removed it, or that the gateway deleted an answered request.
	OpDelete Op = "delete"
	// OpRemove means that the client removed a file from the replica.
	OpRemove Op = "remove"
	// OpReject and OpConflict mean that the client renamed a file to its marker.
	OpReject   Op = "reject"
	OpConflict Op = "conflict"
	// OpOffline and OpOnline mean that a machine lost its network and got it back.
	OpOffline Op = "offline"
	OpOnline  Op = "online"
	// OpStop and OpStart mean that a client or the server was stopped, and started
	// again.
	OpStop  Op = "stop"
	OpStart Op = "start"
	// OpError means that an operation failed, such as writing a file.
	OpError Op = "error"
)

// Values of [Event.Via].
const (
	// ViaFast is the fast path.
	ViaFast = "fast"
	// ViaFullSync is the full sync.
	ViaFullSync = "full-sync"
)

// Hub is the [Event.Actor] of SyftBox's server.
const Hub = "hub"

// An Event is an entry of the journal. It usually concerns one file.
type Event struct {
	// Time is when the event was recorded.
	Time time.Time `json:"time"`
	// Actor is "<email>/app" for the applications on a machine, "<email>/box" for its
	// client, or [Hub].
	Actor string `json:"actor"`
	Op    Op     `json:"op"`
	// Path is relative to "datasites", with slashes. It is empty if the event
	// concerns no file.
	Path string `json:"path,omitempty"`
	// Size is the size of the file in bytes.
	Size int `json:"size,omitempty"`
	// Etag is SyftBox's content hash: the MD5 of the bytes in hexadecimal.
	Etag string `json:"etag,omitempty"`
	// Mode is the name of the delivery mode of a file that arrived.
	Mode string `json:"mode,omitempty"`
	// Via is ViaFast, ViaFullSync, or empty.
	Via string `json:"via,omitempty"`
	// Fault is the injected fault, if any.
	Fault Fault `json:"fault,omitempty"`
	// Note is a message for people.
	Note string `json:"note,omitempty"`
}

// String returns the event as one line of text.
func (e Event) String() string {
	parts := []string{e.Time.Format("15:04:05.000"), e.Actor, e.what()}
	if e.Path != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Path)) // a name may contain line breaks
	}
	if e.Size > 0 {
		parts = append(parts, fmt.Sprintf("(%d bytes)", e.Size))
	}
	return strings.Join(parts, " ")
}

// what returns the event as text without its time, actor and path.
func (e Event) what() string {
	parts := []string{string(e.Op)}
	if e.Via != "" {
		parts = append(parts, "via "+e.Via)
	}
	if e.Fault != "" {
		parts = append(parts, "["+string(e.Fault)+"]")
	}
	if e.Note != "" {
		parts = append(parts, e.Note)
	}
	return strings.Join(parts, " ")
}
