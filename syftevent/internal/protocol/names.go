// Package protocol has what the server, the client and the cleanup share: the names of files
// and directories, which file belongs to which request and which directory to which sender,
// the .syftkeep of a directory, and the order in which a pair is removed. The content of
// requests and responses is package wire's.
package protocol

import (
	"regexp"
	"strings"
)

// RequestSuffix and ResponseSuffix are the suffixes of the files.
const (
	RequestSuffix  = ".request"
	ResponseSuffix = ".response"
)

// ServeTempPrefix and SendTempPrefix begin the names of the temporary files of servers and
// clients. A server removes only those of servers when it starts.
const (
	ServeTempPrefix = ".syftevent-serve-"
	SendTempPrefix  = ".syftevent-send-"
)

// WorkersName is the directory in an app's directory with the heartbeats and claims of its
// servers. SyftBox synchronizes nothing in a directory named *.tmp.
const WorkersName = ".syftevent-workers.tmp"

// IsMarker reports whether a file with the suffix of a request is not one: it is hidden,
// or was renamed by SyftBox.
func IsMarker(name string) bool { return strings.HasPrefix(name, ".") || IsMarked(name) }

// IsMarked reports whether SyftBox renamed a file because it rejected it or found it in
// conflict. SyftBox puts the marker before the extension, followed by a time if that name
// is taken. The old form has no dots.
func IsMarked(name string) bool {
	return IsRejected(name) || strings.Contains(name, ".conflict.") || strings.Contains(name, "syftconflict")
}

// IsRejected reports whether SyftBox renamed a file because it rejected it.
func IsRejected(name string) bool {
	return strings.Contains(name, ".rejected.") || strings.Contains(name, "syftrejected")
}

// OrphanOf returns the stem of the request to which a file belongs, and whether the file
// may be removed once that request is gone: a response, or a request or response that
// SyftBox found in conflict. Rejected files stay: they show that the permissions are wrong.
func OrphanOf(name string) (stem string, ok bool) {
	if strings.HasPrefix(name, ".") {
		return "", false
	}
	for _, suffix := range []string{RequestSuffix, ResponseSuffix} {
		if stem, ok := IDOf(name, suffix); ok {
			return stem, !IsMarked(stem + suffix)
		}
	}
	return "", false
}

// conflictPattern matches the marker that SyftBox puts before the extension of a file in
// conflict, with a time if there was a marked file before.
var conflictPattern = regexp.MustCompile(`\.conflict(\.\d{14})?$`)

// IDOf returns the ID of the request to which a file with the suffix belongs, without a
// conflict marker.
func IDOf(name, suffix string) (id string, ok bool) {
	stem, ok := strings.CutSuffix(name, suffix)
	return conflictPattern.ReplaceAllString(stem, ""), ok
}
