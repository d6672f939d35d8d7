package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/fakebox"
)

// The invariants that an observer checks: ids of scenarios that have no script of their own.
const (
	AlwaysWhole    = "always-whole"
	AlwaysFinal    = "always-final"
	AlwaysReadable = "always-readable"
	AlwaysNamed    = "always-named"
	AlwaysLayout   = "always-layout"
)

// An observer checks in every scenario what a server must never do with the files below "rpc",
// whatever the scenario tests. It reads each file as soon as it changes. Its methods may be
// called concurrently.
type observer struct {
	dir string
	// planted reports whether the scenario itself may have created a file.
	planted func(base string) bool

	mu       sync.Mutex
	requests map[string]bool              // paths of requests that there were, without ".request"
	first    map[string][sha256.Size]byte // content of responses that were whole
	suspects map[string]*Failure          // responses with another content, unless they were removed in between
	lone     map[string]bool              // responses without a request
	layout   map[string][][]byte          // earlier contents of the files of the layout
	found    map[string]*Failure          // the first violation of each invariant
}

func newObserver(dir string, planted func(base string) bool) *observer {
	return &observer{
		dir: dir, planted: planted,
		requests: map[string]bool{}, first: map[string][sha256.Size]byte{}, suspects: map[string]*Failure{},
		lone: map[string]bool{}, layout: map[string][][]byte{}, found: map[string]*Failure{},
	}
}

// violations returns the first violation of each invariant.
func (o *observer) violations() map[string]*Failure {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.found
}

// look checks a file, whose path is relative to "rpc", that appeared or was modified.
func (o *observer) look(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	base := path.Base(name)
	stem, isResponse := strings.CutSuffix(name, ".response")
	switch {
	case strings.Contains(base, ".request"):
		o.requests[strings.TrimSuffix(name, ".request")] = true
	case o.planted(base):
	case isResponse && o.requests[stem]:
		o.lookAtResponse(name)
	case isResponse && !fakebox.Ignores(name):
		o.lone[name] = true // in the wrong place, or temporary
	case name == "syft.pub.yaml", name == "rpc.schema.json":
		o.lookAtLayout(name)
	case strings.HasPrefix(base, ".fuse_hidden"), strings.HasPrefix(base, ".nfs"):
		// FUSE and NFS give such a name to a file that is removed while it is open.
	case !fakebox.Ignores(name) && o.isFile(name):
		o.misnamed(name)
	}
}

// forget notes that a file was removed or renamed, or a folder with all that is in it.
func (o *observer) forget(name string, isFolder bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.first, name)
	delete(o.suspects, name)
	if o.lone[name] {
		o.misnamed(name)
	}
	if !isFolder {
		return
	}
	for other := range o.first {
		if strings.HasPrefix(other, name+"/") {
			delete(o.first, other)
			delete(o.suspects, other)
		}
	}
}

// forgetAll notes that removals may have been missed.
func (o *observer) forgetAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.first)
	clear(o.suspects)
}

// confirm notes that all removals before now are known: a suspect was changed in place, or
// replaced.
func (o *observer) confirm() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, failure := range o.suspects {
		o.note(AlwaysFinal, failure)
	}
	clear(o.suspects)
}

func (o *observer) isFile(name string) bool {
	info, err := os.Lstat(filepath.Join(o.dir, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

// read returns the content of a regular file, and its mode.
func (o *observer) read(name string) (data []byte, mode os.FileMode, ok bool) {
	file := filepath.Join(o.dir, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, false
	}
	data, err = os.ReadFile(file)
	return data, info.Mode(), err == nil
}

func (o *observer) lookAtResponse(name string) {
	data, mode, ok := o.read(name)
	if !ok {
		return
	}
	if mode.Perm()&0o400 == 0 {
		o.violated(AlwaysReadable, name, "the owner of a response may read it", "its mode is "+mode.String())
	}
	if !json.Valid(data) || data[0] != '{' {
		o.violated(AlwaysWhole, name, "a response is a whole JSON object whenever it exists", fmt.Sprintf("%d bytes: %s", len(data), excerpt(string(data))))
		return
	}
	sum := sha256.Sum256(data)
	before, seen := o.first[name]
	switch {
	case !seen:
		o.first[name] = sum
	case sum != before:
		o.suspects[name] = &Failure{Line: name, Expected: "a response keeps its content as long as it exists", Actual: "it is another one now: " + excerpt(string(data))}
	}
}

// lookAtLayout checks that an earlier content of a file was not a part of this one.
func (o *observer) lookAtLayout(name string) {
	data, _, ok := o.read(name)
	if !ok {
		return
	}
	for _, before := range o.layout[name] {
		if len(before) < len(data) && bytes.HasPrefix(data, before) {
			o.violated(AlwaysLayout, name, "the file is complete whenever it exists", fmt.Sprintf("it had %d bytes, the first of the %d that it has now", len(before), len(data)))
		}
	}
	o.layout[name] = append(o.layout[name], data)
}

func (o *observer) misnamed(name string) {
	o.violated(AlwaysNamed, name, "only requests, responses to them, and files that SyftBox never syncs appear", "it appeared, and SyftBox uploads it")
}

func (o *observer) violated(invariant, name, expected, actual string) {
	o.note(invariant, &Failure{Line: name, Expected: expected, Actual: actual})
}

func (o *observer) note(invariant string, failure *Failure) {
	if o.found[invariant] == nil {
		o.found[invariant] = failure
	}
}
