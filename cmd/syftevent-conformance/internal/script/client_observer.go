package script

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/syftevent/syftevent-go/fakebox"
)

// The invariants of clients: ids of scenarios that have no script of their own.
const (
	AlwaysRequestWhole = "always-request-whole"
	AlwaysRequestNamed = "always-request-named"
	AlwaysOrdered      = "always-ordered"
	AlwaysInside       = "always-inside"
)

// A clientObserver checks in every scenario what a client must never do with the files below
// "rpc". Its methods may be called concurrently.
type clientObserver struct {
	findings
	client   string          // the own address
	placed   map[string]bool // paths of files that the suite writes
	removed  map[string]int  // how many removals of a path are those of the suite
	requests map[string]bool // requests that exist, without ".request"
	looks    map[string]int  // how often a request was looked at since it appeared
}

// newClientObserver returns an observer of a folder. What is there already is from elsewhere.
func newClientObserver(dir, client string, planted func(base string) bool) *clientObserver {
	o := &clientObserver{
		findings: findings{dir: dir, planted: planted, found: map[string]*Failure{}}, client: client,
		placed: map[string]bool{}, removed: map[string]int{}, requests: map[string]bool{}, looks: map[string]int{},
	}
	fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, _ error) error {
		o.placed[name] = true
		return nil
	})
	return o
}

// place notes that the suite is about to write a file.
func (o *clientObserver) place(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.placed[name] = true
}

// remove notes that the suite is about to remove or rename a file.
func (o *clientObserver) remove(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.removed[name]++
}

// look checks a file that appeared or was modified.
func (o *clientObserver) look(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	base := path.Base(name)
	stem, isRequest := strings.CutSuffix(name, ".request")
	of, _, _ := strings.Cut(name, ".tmp.") // the blob store's way of writing a file
	switch {
	case o.planted(base) || o.placed[of]:
		if isRequest {
			o.requests[stem] = true
		}
	case isRequest && !fakebox.Ignores(name):
		o.requests[stem] = true
		o.looks[name]++
		o.lookAtRequest(name)
	case isRemovedWhileOpen(base):
	case !fakebox.Ignores(name) && o.isFile(name):
		o.violated(AlwaysRequestNamed, name, "only requests, and files that SyftBox never syncs, appear", "it appeared, and SyftBox uploads it")
	}
}

func (o *clientObserver) lookAtRequest(name string) {
	data, err := readFile(filepath.Join(o.dir, filepath.FromSlash(name)))
	if err != nil {
		return
	}
	if !json.Valid(data) {
		o.violated(AlwaysRequestWhole, name, "a request is complete whenever it exists", fmt.Sprintf("%d bytes: %s", len(data), excerpt(string(data))))
	}
	if folder := path.Base(path.Dir(name)); folder != o.client {
		o.violated(AlwaysRequestNamed, name, "requests are in the folder "+o.client, "it is in "+folder)
	}
}

// forget notes that a file was removed or renamed.
func (o *clientObserver) forget(name string, isFolder bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	bySuite := o.removed[name] > 0
	if bySuite {
		o.removed[name]--
	}
	if stem, ok := strings.CutSuffix(name, ".request"); ok {
		delete(o.requests, stem)
		delete(o.looks, name)
	}
	if stem, ok := strings.CutSuffix(name, ".response"); ok && !bySuite && o.requests[stem] {
		o.violated(AlwaysOrdered, name, "the request of a pair is removed before the response", "the response was removed, and the request existed")
	}
}

// wasWritten reports whether a request was written to after it appeared.
func (o *clientObserver) wasWritten(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looks[name] > 1
}

func (o *clientObserver) forgetAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.requests)
}

func (o *clientObserver) confirm() {}
