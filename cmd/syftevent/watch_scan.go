package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// The limits of what a watcher remembers: senders can write any number of requests.
const (
	maxPending  = 10_000
	maxAnswered = 200_000
	maxDepth    = 64 // of folders below rpc
)

// maxEnvelope is the size up to which a watcher reads a request or a response, one at a time.
const maxEnvelope = 64 << 20

// maxMethod is how much of a method a watcher remembers, in bytes.
const maxMethod = 20

// settle is how long a file may be incomplete before it counts as malformed.
const settle = 2 * time.Second

// A watcher finds requests and responses in the folder of an app. It never writes.
type watcher struct {
	sites *datasites
	rpc   string
	print func(event)

	scans    uint64
	lastScan time.Time
	pending  map[string]*pendingRequest // by the path below rpc, without the suffix
	answered map[[16]byte]uint64        // hashes of such paths, and the last scan that found them
	overflow bool                       // a limit was reached
}

// A pendingRequest has no response yet.
type pendingRequest struct {
	found   time.Time
	arrived time.Time
	method  string
	shown   bool
	bad     time.Time // when the response was first found malformed
	scan    uint64    // the last one that found it
}

func newWatcher(sites *datasites, rpc string, print func(event)) *watcher {
	return &watcher{
		sites: sites, rpc: rpc, print: print,
		pending: map[string]*pendingRequest{}, answered: map[[16]byte]uint64{},
	}
}

// scan looks at all files once and prints what is new.
func (w *watcher) scan(now time.Time) {
	w.scans++
	w.folder("", 0, now)
	for _, stem := range w.stems(func(p *pendingRequest) bool { return p.scan != w.scans }) {
		p := w.pending[stem]
		if p.shown && !w.showResponse(stem, p, now) { // clients remove the response after the request
			w.print(newEvent("gone", now, stem, p.method))
		}
		delete(w.pending, stem)
	}
	for hash, scan := range w.answered {
		if scan != w.scans {
			delete(w.answered, hash)
		}
	}
	w.lastScan = now
}

// check looks only at the pending requests.
func (w *watcher) check(now time.Time) {
	for _, stem := range w.stems(func(p *pendingRequest) bool { return p.shown }) {
		if w.exists(stem + ".response") {
			w.request(stem, now)
		}
	}
}

// stems returns the pending requests of a kind, in the order in which they arrived.
func (w *watcher) stems(kind func(*pendingRequest) bool) (stems []string) {
	for stem, p := range w.pending {
		if kind(p) {
			stems = append(stems, stem)
		}
	}
	slices.SortFunc(stems, func(a, b string) int { return w.pending[a].arrived.Compare(w.pending[b].arrived) })
	return stems
}

// folder scans a folder below rpc.
func (w *watcher) folder(name string, depth int, now time.Time) {
	dir, err := w.sites.root.Open(path.Join(w.rpc, name))
	if err != nil {
		return // removed meanwhile
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(256)
		for _, entry := range entries {
			inside := path.Join(name, entry.Name())
			switch stem, isRequest := strings.CutSuffix(inside, ".request"); {
			case strings.HasPrefix(entry.Name(), "."):
			case entry.IsDir() && depth < maxDepth:
				w.folder(inside, depth+1, now)
			case entry.Type().IsRegular() && isRequest && !isMarker(entry.Name()):
				w.request(stem, now)
			}
		}
		if err != nil {
			return
		}
	}
}

// isMarker reports whether SyftBox renamed a file because it rejected it or found it in conflict.
func isMarker(name string) bool {
	return slices.ContainsFunc([]string{".rejected.", ".conflict.", "syftrejected", "syftconflict"}, func(marker string) bool { return strings.Contains(name, marker) })
}

// request looks at a request that exists, or whose response does.
func (w *watcher) request(stem string, now time.Time) {
	hash := hashOf(stem)
	if _, ok := w.answered[hash]; ok {
		w.answered[hash] = w.scans
		return
	}
	p, known := w.pending[stem]
	isAnswered := w.exists(stem + ".response")
	switch {
	case known:
	case isAnswered && len(w.answered) >= maxAnswered, len(w.pending) >= maxPending:
		w.overflow = true
		return
	case isAnswered && w.scans == 1: // from before
		w.answered[hash] = w.scans
		return
	default:
		p = &pendingRequest{found: now, arrived: w.arrival(stem, now)}
		w.pending[stem] = p
	}
	p.scan = w.scans
	if !p.shown {
		w.showRequest(stem, p, isAnswered, now)
	}
	if isAnswered && p.shown && w.showResponse(stem, p, now) {
		delete(w.pending, stem)
		if len(w.answered) < maxAnswered {
			w.answered[hash] = w.scans
		} else {
			w.overflow = true
		}
	}
}

func hashOf(stem string) (hash [16]byte) {
	sum := sha256.Sum256([]byte(stem))
	copy(hash[:], sum[:])
	return hash
}

func (w *watcher) exists(name string) bool {
	info, err := w.sites.root.Lstat(path.Join(w.rpc, name))
	return err == nil && info.Mode().IsRegular()
}

// arrival returns when a new request arrived: its modification time, unless that cannot be true.
func (w *watcher) arrival(stem string, now time.Time) time.Time {
	info, err := w.sites.root.Lstat(path.Join(w.rpc, stem+".request"))
	if err != nil || info.ModTime().After(now) || info.ModTime().Before(w.lastScan.Add(-time.Second)) {
		return now
	}
	return info.ModTime()
}

// showRequest prints a request that is complete, malformed for a while, or answered.
func (w *watcher) showRequest(stem string, p *pendingRequest, isAnswered bool, now time.Time) {
	var envelope struct {
		Method any      `json:"method"`
		Body   bodySize `json:"body"`
	}
	err := w.decode(stem+".request", &envelope)
	if errors.Is(err, fs.ErrNotExist) || err != nil && !isAnswered && now.Sub(p.found) < settle {
		return
	}
	p.shown = true
	if err == nil {
		method, _ := envelope.Method.(string)
		method = orWord(method, "GET")
		p.method = method[:min(len(method), maxMethod)]
	}
	e := newEvent("request", p.arrived, stem, p.method)
	size := int64(envelope.Body)
	e.Size = &size
	w.print(e)
}

// showResponse prints a response that is complete, or malformed for a while. It reports whether it
// did.
func (w *watcher) showResponse(stem string, p *pendingRequest, now time.Time) bool {
	var envelope struct {
		Status  *int `json:"status_code"`
		Created any  `json:"created"`
	}
	err := w.decode(stem+".response", &envelope)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	status := 200
	if err != nil {
		if p.bad.IsZero() {
			p.bad = now
		}
		if now.Sub(p.bad) < settle {
			return false
		}
		status = 0
	} else if envelope.Status != nil {
		status = *envelope.Status
	}
	created, _ := envelope.Created.(string)
	done, err := time.Parse(time.RFC3339, created)
	if err != nil || done.Before(p.arrived) || done.After(now) {
		done = now
	}
	e := newEvent("response", done, stem, p.method)
	ms := float64(done.Sub(p.arrived).Microseconds()) / 1000
	e.Status, e.Duration = &status, &ms
	w.print(e)
	return true
}

// decode reads a file of JSON.
func (w *watcher) decode(name string, v any) error {
	data, err := w.sites.readFile(path.Join(w.rpc, name), maxEnvelope)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return io.ErrUnexpectedEOF
	}
	return json.Unmarshal(data, v)
}

// A bodySize is the size of a body, which is base64 in the file.
type bodySize int64

// UnmarshalJSON counts the bytes and does not decode them.
func (s *bodySize) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*s = bodySize(len(bytes.TrimRight(bytes.Trim(data, `"`), "=")) * 3 / 4)
	}
	return nil
}
