package mutant

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
)

// serve reads a request, runs it and publishes the response.
func (s *server) serve(p place) {
	data, err := s.read(p)
	if err != nil && !errors.As(err, new(*refusal)) {
		if !errors.Is(err, errNotYet) {
			s.log.Printf("%v", err)
		}
		return
	}
	sum := sha256.Sum256(data)
	if s.ranBefore(p, sum) {
		return
	}
	req, r := s.respond(p, data, err)
	if r.silent {
		return
	}
	response, err := s.encode(p, req, r)
	if err != nil {
		s.log.Printf("%v", err)
		return
	}
	s.remember(p, sum, response, s.final(p, req))
	s.publish(p)
	s.forget(p.request())
}

// respond returns what a request says and the reply to it. Whatever is wrong with
// the request, the reply goes to where it lies.
func (s *server) respond(p place, data []byte, err error) (*request, reply) {
	asked := &request{
		id: p.stem, url: "syft://" + s.email + "/app_data/" + s.app + "/rpc/" + p.endpoint,
		expires: time.Now().Add(lifetime),
	}
	if err == nil {
		var req *request
		if req, err = s.decode(data); err != nil && s.has("ignores-invalid") {
			return asked, reply{silent: true}
		} else if err == nil {
			err = s.compare(p, req)
			asked = req
			if req.id == "" || !sameID(req.id, p.stem) && !s.has("id-path") {
				asked.id = p.stem // absent, or that of another request
			}
		}
	}
	if err != nil {
		return asked, s.refused(err)
	}
	return asked, s.handle(p, asked)
}

// compare checks that an envelope says what its folder does, and that it has not
// expired.
func (s *server) compare(p place, req *request) error {
	if s.has("mute-sender") && p.sender != "" {
		req.sender = p.sender
	}
	switch {
	case req.id != "" && req.id != p.stem && s.has("exact-id"),
		req.id != "" && !sameID(req.id, p.stem) && !s.has("any-id"):
		return refuse(400, "Error loading request: the id is not the file's name")
	case p.sender == "" && !addressForm.MatchString(req.sender):
		return refuse(400, "Error loading request: the sender is no address")
	case p.sender != "" && p.sender != req.sender && !s.has("trust-sender"):
		return refuse(403, "The sender is not the folder's")
	case !s.leadsTo(req.url, p.endpoint) && !s.has("any-url"),
		s.has("literal-url") && strings.ContainsAny(req.url, "?#%"):
		return refuse(400, "Error loading request: the url leads elsewhere")
	case !req.expires.After(time.Now()) && !s.has("never-expires"):
		return refuse(419, "Request expired")
	}
	return nil
}

// sameID compares UUIDs in any of their forms, and all else to the letter.
func sameID(a, b string) bool {
	plain := func(id string) (string, bool) {
		hex := strings.ToLower(strings.Trim(strings.TrimPrefix(strings.ReplaceAll(id, "-", ""), "urn:uuid:"), "{}"))
		return hex, len(hex) == 32 && strings.Trim(hex, "0123456789abcdef") == ""
	}
	hexA, okA := plain(a)
	hexB, okB := plain(b)
	return a == b || okA && okB && hexA == hexB
}

// leadsTo reports whether a url leads to an endpoint of this app. Query, fragment,
// escapes and slashes too many do not matter.
func (s *server) leadsTo(text, endpoint string) bool {
	rest, ok := strings.CutPrefix(text, "syft://")
	if !ok {
		return false
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return false
	}
	for segment := range strings.SplitSeq(plain, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	if s.has("endpoint-only") {
		return strings.HasSuffix(path.Clean(plain), "/rpc/"+endpoint)
	}
	return path.Clean(plain) == s.email+"/app_data/"+s.app+"/rpc/"+endpoint
}

// refused is the reply to a request that is not run, or whose handler has failed.
// What else the error tells is for the log.
func (s *server) refused(err error) reply {
	var known *refusal
	if errors.As(err, &known) {
		silent := known.status == 419 && s.has("silent-expired") || known.status == 404 && s.has("silent-unknown")
		return reply{status: known.status, body: []byte(known.text), silent: silent}
	}
	s.log.Printf("a handler has failed: %v", err)
	return reply{status: 500, body: []byte("Internal server error. Please try again later.")}
}

// handle finds the handler of a request and runs it.
func (s *server) handle(p place, req *request) reply {
	endpoint, method := p.endpoint, req.method
	if s.has("prefix") {
		endpoint = s.above(endpoint)
	}
	if s.has("runs-any-method") {
		method = ""
	}
	found, values, known := s.route(endpoint, method)
	if !known {
		return s.refused(refuse(404, "There is no such endpoint"))
	}
	if found == nil {
		r := s.refused(refuse(405, "The endpoint does not have this method"))
		if !s.has("no-allow") {
			r.headers = map[string]string{"Allow": s.allowed(p.endpoint)}
		}
		return r
	}
	for name := range req.headers {
		if strings.EqualFold(name, "X-Syft-Decrypted") || strings.EqualFold(name, "X-Syft-Original-Sender") {
			if s.has("vouched") {
				continue
			}
			delete(req.headers, name)
		}
	}
	given := s.mishandle(*req)
	if s.has("twice") {
		run(found.handler, call{&given, values})
	}
	r, err := run(found.handler, call{&given, values})
	if s.has("no-reply-headers") {
		r.headers = nil
	}
	failed := err != nil && !errors.As(err, new(*refusal))
	switch {
	case failed && s.has("fail-200"):
		return reply{status: 200, body: []byte(`{"error":"it has failed"}`)}
	case failed && s.has("silent-failure"):
		return reply{silent: true}
	case failed && s.has("tells"):
		return reply{status: 500, body: []byte(err.Error())}
	case err != nil:
		return s.refused(err)
	case s.has("ok-only"):
		r.status = 200
	case !knownStatus(r.status) && !s.has("any-status"):
		return s.refused(fmt.Errorf("status %d, which no client knows", r.status))
	}
	return r
}

// run makes a panic of a handler an error.
func run(h handler, c call) (r reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h(c)
}

// knownStatus reports whether a client takes a response with this status.
func knownStatus(status int) bool {
	for _, span := range [][2]int{
		{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 419}, {421, 426},
		{428, 429}, {431, 431}, {451, 451}, {499, 499}, {500, 508}, {510, 511},
	} {
		if span[0] <= status && status <= span[1] {
			return true
		}
	}
	return false
}
