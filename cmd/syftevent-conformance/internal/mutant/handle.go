package mutant

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// process reads a request, runs it and publishes the response.
func (s *server) process(file requestFile) {
	data, err := s.read(file)
	if err != nil && !errors.As(err, new(*refusal)) {
		if !errors.Is(err, errIncomplete) {
			s.log.Warn("read request failed", "err", err)
		}
		return
	}
	sum := s.sum(data)
	if s.has("answers-by-bytes") {
		if earlier := s.replies.withSum(sum); earlier != nil {
			s.replies.add(file, sum, earlier, s.final(file, nil))
			s.publish(file)
			return
		}
	}
	if s.has("skips-empty") && isFalsy(data) {
		return
	}
	if s.replies.lookup(file, sum) {
		s.publish(file)
		return
	}
	if s.shared {
		end, ok := s.claim(file, sum)
		if !ok {
			return
		}
		defer end()
	}
	req, r := s.respond(file, data, err)
	if r.silent {
		return
	}
	if s.has("leaks-refusals") && r.status >= 400 {
		s.leakHandle(file.request())
	}
	response, err := s.encode(file, req, r)
	if err != nil {
		s.log.Error("encode response failed", "err", err)
		return
	}
	if s.shared {
		response = s.record(file, sum, response)
	}
	s.replies.add(file, sum, response, s.final(file, req))
	s.publish(file)
	s.incomplete.drop(file.request())
}

// respond returns a decoded request and its reply. A refused request is answered like
// any other, with the id and url that its path says.
func (s *server) respond(file requestFile, data []byte, err error) (*request, reply) {
	answered := &request{
		id: file.stem, url: "syft://" + s.email + "/app_data/" + s.app + "/rpc/" + file.endpoint,
		expires: time.Now().Add(requestLifetime),
	}
	if err == nil {
		var req *request
		if req, err = s.decoder.decode(data); err != nil && s.has("ignores-invalid") {
			return answered, reply{silent: true}
		} else if err == nil {
			err = s.admit(file, req)
			answered = req
			if req.id == "" || !sameID(req.id, file.stem) && !s.has("id-path") {
				answered.id = file.stem
			}
		}
	}
	if err != nil {
		return answered, s.errorReply(err)
	}
	return answered, s.handle(file, answered)
}

// admit checks that an envelope agrees with its path and has not expired.
func (s *server) admit(file requestFile, req *request) error {
	if s.has("mute-sender") && file.sender != "" {
		req.sender = file.sender
	}
	switch {
	case req.id != "" && req.id != file.stem && s.has("exact-id"),
		req.id != "" && !sameID(req.id, file.stem) && !s.has("any-id") && !s.foldsID(req.id, file.stem):
		return refuse(400, "Error loading request: id does not match the file name")
	case file.sender == "" && !s.isAddress(req.sender):
		return refuse(400, "Error loading request: sender is not an address")
	case s.has("folds-senders") && file.sender != req.sender && strings.EqualFold(file.sender, req.sender):
	case s.has("prefix-senders") && file.sender != req.sender && strings.HasPrefix(file.sender, req.sender):
	case file.sender != "" && file.sender != req.sender && !s.has("trust-sender"):
		return refuse(403, "Sender does not match the folder")
	case !s.urlMatches(req.url, file.endpoint) && !s.has("any-url"),
		s.has("literal-url") && strings.ContainsAny(req.url, "?#%"):
		return refuse(400, "Error loading request: url does not match the folder")
	case s.has("large-bodies") && len(req.body) > largestBody:
		return refuse(400, "Error loading request: body is too large")
	case s.has("counts-bodies") && int64(len(req.body)) > s.maxSize:
		return refuse(413, "Request too large")
	case s.wasInTime(file), s.has("grace") && req.expires.After(time.Now().Add(-30*time.Second)):
	case !req.expires.After(time.Now()) && !s.has("never-expires"):
		return refuse(419, "Request expired")
	}
	return nil
}

// sameID compares two ids. Different spellings of a UUID are the same id.
func sameID(a, b string) bool {
	normalize := func(id string) (string, bool) {
		hex := strings.ToLower(strings.Trim(strings.TrimPrefix(strings.ReplaceAll(id, "-", ""), "urn:uuid:"), "{}"))
		return hex, len(hex) == 32 && strings.Trim(hex, "0123456789abcdef") == ""
	}
	hexA, okA := normalize(a)
	hexB, okB := normalize(b)
	return a == b || okA && okB && hexA == hexB
}

// urlMatches reports whether a url names an endpoint of this app. It ignores query,
// fragment, escapes and redundant slashes.
func (s *server) urlMatches(text, endpoint string) bool {
	rest, ok := strings.CutPrefix(text, "syft://")
	if !ok {
		return false
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	unescaped, err := url.PathUnescape(rest)
	if err == nil && s.has("unescapes-twice") {
		unescaped, err = url.PathUnescape(unescaped)
	}
	if err != nil {
		return false
	}
	for segment := range strings.SplitSeq(unescaped, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	if s.has("url-suffix") && strings.HasPrefix(unescaped, s.email+"/app_data/"+s.app+"/rpc/") {
		return strings.HasSuffix(path.Clean(unescaped), "/"+endpoint)
	}
	if s.has("endpoint-only") {
		return strings.HasSuffix(path.Clean(unescaped), "/rpc/"+endpoint)
	}
	own := s.email + "/app_data/" + s.app + "/rpc/" + endpoint
	return path.Clean(unescaped) == own || s.has("folds-urls") && strings.EqualFold(path.Clean(unescaped), own)
}

// errorReply returns the reply to a request that was refused or whose handler failed.
// The text of a failure goes to the log only.
func (s *server) errorReply(err error) reply {
	var refused *refusal
	if errors.As(err, &refused) {
		silent := refused.status == 419 && s.has("silent-expired") || refused.status == 404 && s.has("silent-unknown")
		return s.plain(reply{status: refused.status, body: []byte(refused.text), silent: silent})
	}
	s.log.Error("handler failed", "err", err)
	r := s.plain(reply{status: 500, body: []byte("Internal server error. Please try again later.")})
	if s.has("tells-in-header") {
		r.headers["X-Error"] = err.Error()
	}
	return r
}

// plain sets the media type of an error's text.
func (s *server) plain(r reply) reply {
	r.headers = map[string]string{}
	if !s.has("no-type") && !(s.has("untyped-missing") && (r.status == 404 || r.status == 405)) {
		r.headers["Content-Type"] = "text/plain; charset=utf-8"
	}
	return r
}

// handle routes a request and runs its handler.
func (s *server) handle(file requestFile, req *request) reply {
	endpoint, method := file.endpoint, req.method
	if s.has("prefix") {
		endpoint = s.router.parent(endpoint)
	}
	if s.has("runs-any-method") {
		method = ""
	}
	if s.has("four-methods") && (method == "HEAD" || method == "PATCH") {
		return s.errorReply(refuse(405, "Method not allowed"))
	}
	found, values, known := s.router.find(endpoint, method)
	if !known && s.shared && s.has("first-leads") && !s.team.first {
		return reply{silent: true}
	}
	if !known {
		return s.errorReply(refuse(404, "Endpoint not found"))
	}
	if found == nil {
		r := s.errorReply(refuse(405, "Method not allowed"))
		if !s.has("no-allow") {
			r.headers["Allow"] = s.router.allowed(file.endpoint)
		}
		return r
	}
	if s.crypt != nil && strings.HasPrefix(endpoint, encryptedPrefix) {
		vouched := false
		for name := range req.headers {
			vouched = vouched || strings.EqualFold(name, "X-Syft-Decrypted")
		}
		maps.DeleteFunc(req.headers, func(name, _ string) bool { return isVouching(name) })
		return s.handleEncrypted(file, req, found.handler, vouched)
	}
	removed := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(req.headers)) {
		if s.has("vouched-twice") && removed[strings.ToLower(name)] {
			continue
		}
		removed[strings.ToLower(name)] = true
		if isVouching(name) && !s.has("vouched") {
			delete(req.headers, name)
		}
	}
	given := s.corruptRequest(*req)
	if s.has("twice") {
		run(found.handler, call{&given, values})
	}
	r, err := run(found.handler, call{&given, values})
	if s.has("head-drops-body") && req.method == "HEAD" {
		r.body = nil
	}
	return s.finish(r, err)
}

// finish turns what a handler returned into a reply.
func (s *server) finish(r reply, err error) reply {
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
		return s.errorReply(err)
	case s.has("ok-only"):
		r.status = 200
	case s.has("status-range") && r.status >= 100 && r.status < 600:
	case !knownStatus(r.status) && !s.has("any-status"):
		return s.errorReply(fmt.Errorf("clients reject status %d", r.status))
	}
	return s.corruptReply(r)
}

// run runs a handler and returns its panic as an error.
func run(h handler, c call) (r reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h(c)
}

// knownStatus reports whether a status is one of the 64 that the Python package accepts.
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
