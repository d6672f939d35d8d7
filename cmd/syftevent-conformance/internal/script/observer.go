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

// The invariants of servers: ids of scenarios that have no script of their own. An observer checks all
// but the last two, which are about the end of a scenario.
const (
	AlwaysWhole    = "always-whole"
	AlwaysFinal    = "always-final"
	AlwaysReadable = "always-readable"
	AlwaysNamed    = "always-named"
	AlwaysLayout   = "always-layout"
	AlwaysOnce     = "always-once"
	AlwaysConfined = "always-confined"
)

// Invariants returns the ids of the invariants of both roles.
func Invariants() []string {
	return []string{
		AlwaysWhole, AlwaysFinal, AlwaysReadable, AlwaysNamed, AlwaysLayout, AlwaysOnce, AlwaysConfined,
		AlwaysRequestWhole, AlwaysRequestNamed, AlwaysOrdered, AlwaysInside,
	}
}

// An observer checks invariants while a scenario runs. Paths are relative to its folder, with
// slashes.
type observer interface {
	folder() string
	look(name string)                  // a file appeared or was modified
	forget(name string, isFolder bool) // it was removed or renamed
	forgetAll()                        // removals may have been missed
	confirm()                          // all removals before now are known
	violated(invariant, name, expected, actual string)
	violations() map[string]*Failure // the first violation of each invariant
}

// findings are what both observers have: a folder, and what was found in it.
type findings struct {
	dir string
	// planted reports whether the scenario itself may have created a file.
	planted func(base string) bool

	mu    sync.Mutex // guards the rest of the observer
	found map[string]*Failure
}

func (f *findings) folder() string { return f.dir }

func (f *findings) violations() map[string]*Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.found
}

func (f *findings) isFile(name string) bool {
	info, err := lstat(filepath.Join(f.dir, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

func (f *findings) violated(invariant, name, expected, actual string) {
	f.note(invariant, &Failure{Line: name, Expected: expected, Actual: actual})
}

// note keeps the first violation of an invariant.
func (f *findings) note(invariant string, failure *Failure) {
	if f.found[invariant] == nil {
		f.found[invariant] = failure
	}
}

// isRemovedWhileOpen reports whether FUSE or NFS gave a file this name, which was removed while it
// was open.
func isRemovedWhileOpen(base string) bool {
	return strings.HasPrefix(base, ".fuse_hidden") || strings.HasPrefix(base, ".nfs")
}

// A serverObserver checks in every scenario what a server must never do with the files below "rpc",
// whatever the scenario tests. It reads each file as soon as it changes. Its methods may be
// called concurrently.
type serverObserver struct {
	findings
	requests map[string]bool              // paths of requests that there were, without ".request"
	first    map[string][sha256.Size]byte // content of responses that were whole
	suspects map[string]*Failure          // responses with another content, unless they were removed in between
	lone     map[string]bool              // responses without a request
	layout   map[string][][]byte          // earlier contents of the files of the layout
}

func newServerObserver(dir string, planted func(base string) bool) *serverObserver {
	return &serverObserver{
		findings: findings{dir: dir, planted: planted, found: map[string]*Failure{}},
		requests: map[string]bool{}, first: map[string][sha256.Size]byte{}, suspects: map[string]*Failure{},
		lone: map[string]bool{}, layout: map[string][][]byte{},
	}
}

// look checks a file, whose path is relative to "rpc", that appeared or was modified.
func (o *serverObserver) look(name string) {
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
	case isRemovedWhileOpen(base):
	case !fakebox.Ignores(name) && o.isFile(name):
		o.misnamed(name)
	}
}

// forget notes that a file was removed or renamed, or a folder with all that is in it.
func (o *serverObserver) forget(name string, isFolder bool) {
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
func (o *serverObserver) forgetAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.first)
	clear(o.suspects)
}

// confirm notes that all removals before now are known: a suspect was changed in place, or
// replaced.
func (o *serverObserver) confirm() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, failure := range o.suspects {
		o.note(AlwaysFinal, failure)
	}
	clear(o.suspects)
}

// read returns the content of a regular file, and its mode.
func (o *serverObserver) read(name string) (data []byte, mode os.FileMode, ok bool) {
	file := filepath.Join(o.dir, filepath.FromSlash(name))
	info, err := lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, false
	}
	data, err = readFile(file)
	return data, info.Mode(), err == nil
}

func (o *serverObserver) lookAtResponse(name string) {
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
func (o *serverObserver) lookAtLayout(name string) {
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

func (o *serverObserver) misnamed(name string) {
	o.violated(AlwaysNamed, name, "only requests, responses to them, and files that SyftBox never syncs appear", "it appeared, and SyftBox uploads it")
}
