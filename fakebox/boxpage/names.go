package boxpage

import (
	"path"
	"strings"
	"sync"
)

// A callFile is the path of a request or a response, in its parts.
type callFile struct {
	key      string // path without ".request" or ".response"
	server   string // address of the owner of the datasite
	app      string
	endpoint string
	sender   string // "" in the legacy layout, which has no folder for it
	id       string // the stem of the file
	response bool
}

// parseFile parses a path relative to "datasites".
func parseFile(name string) (f callFile, ok bool) {
	switch {
	case strings.HasSuffix(name, ".request"):
		f.key = strings.TrimSuffix(name, ".request")
	case strings.HasSuffix(name, ".response"):
		f.key, f.response = strings.TrimSuffix(name, ".response"), true
	default:
		return callFile{}, false
	}
	parts := strings.Split(f.key, "/")
	if len(parts) < 6 || parts[1] != "app_data" || parts[3] != "rpc" {
		return callFile{}, false
	}
	f.server, f.app, f.id = parts[0], parts[2], parts[len(parts)-1]
	folders := parts[4 : len(parts)-1]
	if last := len(folders) - 1; strings.Contains(folders[last], "@") {
		f.sender, folders = folders[last], folders[:last]
	}
	f.endpoint = "/" + strings.Join(folders, "/")
	return f, true
}

// markedName returns the name to which SyftBox renames a request or response that the hub
// rejected, or that is in conflict.
func markedName(name, marker string) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + marker + ext
}

// rpcFolder returns the folder "rpc" of the app, relative to "datasites".
func (f callFile) rpcFolder() string { return path.Join(f.server, "app_data", f.app, "rpc") }

// endpointFolder returns the folder of the endpoint, relative to "datasites".
func (f callFile) endpointFolder() string { return path.Join(f.rpcFolder(), f.endpoint) }

// A Numbering numbers calls in the order in which they are seen, so that the page and
// other output of one network show the same numbers. The zero value is ready to use.
type Numbering struct {
	mu             sync.Mutex // guards the fields below
	last           int
	recent, before map[string]int // by key, in two generations
}

// Of returns the number of the call that a file belongs to, and whether the call is new.
// The path is relative to "datasites", such as [fakebox.Event.Path]. The number is 0 if
// the file is neither a request nor a response.
func (n *Numbering) Of(name string) (number int, isNew bool) {
	f, ok := parseFile(name)
	if !ok {
		return 0, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	number, ok = n.recent[f.key]
	if !ok {
		if number, ok = n.before[f.key]; !ok {
			n.last++
			number, isNew = n.last, true
		}
		if n.recent == nil || len(n.recent) >= 2*MaxCalls {
			n.recent, n.before = map[string]int{}, n.recent
		}
		n.recent[f.key] = number
	}
	return number, isNew
}

// Describe returns the app, the endpoint and the address of the owner of a request or
// response, as "app/endpoint at address", or "" for any other file.
func Describe(name string) string {
	f, ok := parseFile(name)
	if !ok {
		return ""
	}
	return f.app + f.endpoint + " at " + f.server
}
