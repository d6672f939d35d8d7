package fakebox

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
)

// A Request is a request for [Replica.Send].
type Request struct {
	// Datasite is the address of the recipient. App and Endpoint are the recipient's
	// app and its endpoint.
	Datasite, App, Endpoint string
	// Query is the query of the URL without "?", such as "limit=10".
	Query string
	// Method defaults to POST.
	Method string
	// Headers are sent unchanged.
	Headers map[string]string
	// Body is omitted from the file if it is empty.
	Body []byte
	// Expires is the time until the request expires. It may be negative. Defaults to 24
	// hours.
	Expires time.Duration
}

// Send writes a request into the replica, as a client application on this machine does,
// in the folder of its sender. It returns the path of the file relative to "datasites";
// the response has the same path with ".response" instead of ".request". Send returns an
// error if the datasite, app or endpoint is invalid; an error fails the test passed to
// [New].
func (r *Replica) Send(req Request) (key string, err error) {
	key, err = r.send(req)
	return key, r.box.failed(err)
}

func (r *Replica) send(req Request) (string, error) {
	if req.Method == "" {
		req.Method = "POST"
	}
	endpoint := strings.Trim(req.Endpoint, "/")
	folder, err := keyIn(req.Datasite, path.Join("app_data", req.App, "rpc", endpoint, r.Email))
	if err != nil {
		return "", err
	}
	if !emailPattern.MatchString(req.Datasite) || req.App == "" || strings.Contains(req.App, "/") {
		return "", fmt.Errorf("fakebox: send request: datasite %q or app %q is invalid", req.Datasite, req.App)
	}
	url := "syft://" + req.Datasite + (&url.URL{Path: path.Join("/app_data", req.App, "rpc", endpoint), RawQuery: req.Query}).String()
	if req.Expires == 0 {
		req.Expires = requestLifetime
	}
	id, data, err := r.box.sim.compose(folder, r.Email, url, req.Method, req.Headers, req.Body, req.Expires)
	if err != nil {
		return "", fmt.Errorf("fakebox: send request to %s: %w", url, err)
	}
	key := path.Join(folder, id+".request")
	if err := r.tree.writeFile(key, data); err != nil {
		return "", fmt.Errorf("fakebox: send %s: %w", key, err)
	}
	return key, nil
}
