package engine

import (
	"path"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A location is what the directory of a request says about it.
type location struct {
	endpoint string // as protocol.CleanEndpoint gives it
	sender   string // "" in the legacy layout
}

// locate returns the endpoint and sender of the requests in a directory below "rpc". If
// the last element is an address, it is the sender, and the rest is the endpoint. Otherwise
// the directory of a registered endpoint holds requests of the legacy layout, which has no
// sender directories. Requests elsewhere, or below a name that only resembles an address,
// are left alone.
func locate(dir string, registered func(endpoint string) bool) (location, bool) {
	parent, last := path.Split(dir)
	if protocol.SeemsAddress(last) {
		if !protocol.IsAddress(last) {
			return location{}, false
		}
		return location{endpoint: protocol.CleanEndpoint(parent), sender: last}, true
	}
	if dir == "." {
		dir = ""
	}
	endpoint := protocol.CleanEndpoint(dir)
	if registered(endpoint) {
		return location{endpoint: endpoint}, true
	}
	return location{}, false
}
