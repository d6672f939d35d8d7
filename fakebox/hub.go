package fakebox

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
)

// The hub is SyftBox's server: the latest bytes of every file, and the rules of
// who may see and change it.
type hub struct {
	mu      sync.Mutex
	session *session           // nil while the server does not run
	objects map[string]object  // by path below "datasites"
	access  map[string]*access // by folder: the syft.pub.yaml in it
}

type object struct {
	data []byte
	etag string
}

var (
	errDenied  = errors.New("permission denied")
	errRefused = errors.New("the server refuses such a name")
)

const permissionsName = "syft.pub.yaml"

func newHub(s *session) *hub {
	return &hub{session: s, objects: map[string]object{}, access: map[string]*access{}}
}

// current returns the session of the server, or nil if it does not run.
func (h *hub) current() *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.session
}

// setSession begins another session, or none, and returns the one before.
func (h *hub) setSession(s *session) (before *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, h.session = h.session, s
	return before
}

// etagOf is SyftBox's name for bytes.
func etagOf(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// view returns the etag of each file that a user may read.
func (h *hub) view(user string) map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	etags := make(map[string]string, len(h.objects))
	for name, o := range h.objects {
		if h.allows(user, name, false) {
			etags[name] = o.etag
		}
	}
	return etags
}

// get returns a file, if it is there.
func (h *hub) get(name string) (object, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok := h.objects[name]
	return o, ok
}

// put takes a file from a user. The permissions that cannot be read are an error
// of their own, and nobody but their owner is let in.
func (h *hub) put(user, name string, data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.allows(user, name, true) {
		return errDenied
	}
	if isRefusedKey(name) {
		return errRefused
	}
	h.objects[name] = object{data: data, etag: etagOf(data)}
	if path.Base(name) != permissionsName {
		return nil
	}
	rules, err := ParsePermissions(data)
	h.access[path.Dir(name)] = &access{rules: rules, expressions: map[string][]*regexp.Regexp{}}
	if err != nil {
		return fmt.Errorf("%s lets nobody in: %w", name, err)
	}
	return nil
}

// remove removes a file for a user.
func (h *hub) remove(user, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.allows(user, name, true) {
		return errDenied
	}
	delete(h.objects, name)
	if path.Base(name) == permissionsName {
		delete(h.access, path.Dir(name))
	}
	return nil
}

// drop removes a file for the server itself.
func (h *hub) drop(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.objects, name)
}

// may reports whether a user may read, or write, a file.
func (h *hub) may(user, name string, write bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.allows(user, name, write)
}

// allows reports whether a user may read, or write, a file. The owner is whoever
// has an address that the path begins with, so that bob@example.co owns what is
// bob@example.com's: SyftBox's test is no better. The rules are those of the
// nearest folder that has any, which alone count; only owners write them.
func (h *hub) allows(user, name string, write bool) bool {
	if user != "" && strings.HasPrefix(name, user) {
		return true
	}
	if write && path.Base(name) == permissionsName {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if a := h.access[dir]; a != nil {
			return a.allows(user, strings.TrimPrefix(name, dir+"/"), write)
		}
	}
	return false
}

// An access is the rules of one folder, with their patterns compiled for each
// user who has asked.
type access struct {
	rules       []Rule
	expressions map[string][]*regexp.Regexp
}

func (a *access) allows(user, name string, write bool) bool {
	expressions, ok := a.expressions[user]
	if !ok {
		expressions = compile(a.rules, user)
		a.expressions[user] = expressions
	}
	return allows(a.rules, expressions, user, name, write)
}
