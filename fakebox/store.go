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

// A store is the file store of SyftBox's server, with its access rules.
type store struct {
	mu      sync.Mutex         // guards the fields below
	objects map[string]object  // by path below "datasites"
	access  map[string]*access // the syft.pub.yaml of each folder
}

type object struct {
	data []byte
	etag string
}

var (
	errDenied  = errors.New("permission denied")
	errRefused = errors.New("the server refuses this name")
)

const permissionsName = "syft.pub.yaml"

func newStore() *store {
	return &store{objects: map[string]object{}, access: map[string]*access{}}
}

// etagOf returns SyftBox's hash of a file's content.
func etagOf(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// view returns the etags of the files that a user may read.
func (s *store) view(user string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	etags := make(map[string]string, len(s.objects))
	for name, o := range s.objects {
		if s.allows(user, name, false) {
			etags[name] = o.etag
		}
	}
	return etags
}

func (s *store) get(name string) (object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[name]
	return o, ok
}

// put stores a file for a user. It returns errDenied or errRefused if it did not store
// it. Any other error means that it stored a syft.pub.yaml that it cannot parse, which
// grants access to the owner only. Just before others can read the file, put calls stored,
// if it is not nil: the journal has the upload of a file before its download.
func (s *store) put(user, name string, data []byte, stored func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allows(user, name, true) {
		return errDenied
	}
	if isRefusedKey(name) {
		return errRefused
	}
	if stored != nil {
		stored()
	}
	s.objects[name] = object{data: data, etag: etagOf(data)}
	if path.Base(name) != permissionsName {
		return nil
	}
	rules, err := ParsePermissions(data)
	s.access[path.Dir(name)] = &access{rules: rules, expressions: map[string][]*regexp.Regexp{}}
	if err != nil {
		return fmt.Errorf("%s grants no access: %w", name, err)
	}
	return nil
}

// remove removes a file on behalf of a user.
func (s *store) remove(user, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allows(user, name, true) {
		return errDenied
	}
	delete(s.objects, name)
	if path.Base(name) == permissionsName {
		delete(s.access, path.Dir(name))
	}
	return nil
}

// drop removes a file on behalf of the server.
func (s *store) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, name)
}

// may reports whether a user may read, or write, a file.
func (s *store) may(user, name string, write bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allows(user, name, write)
}

// allows is may for callers that hold mu. As in SyftBox, a user owns every path that
// begins with the user's address: bob@example.co owns what belongs to
// bob@example.com. For other users only the rules of the nearest folder that has any
// apply, and only owners write rules.
func (s *store) allows(user, name string, write bool) bool {
	if user != "" && strings.HasPrefix(name, user) {
		return true
	}
	if write && path.Base(name) == permissionsName {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if a := s.access[dir]; a != nil {
			return a.allows(user, strings.TrimPrefix(name, dir+"/"), write)
		}
	}
	return false
}

// An access holds the rules of one folder, and caches the compiled patterns of each
// user.
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
