package mutant

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"time"
)

// lastingState is the state of defects that appear only after a while. server.mu protects it.
type lastingState struct {
	lastScan  time.Time
	gap       bool     // this scan came late
	found     int      // new requests of this scan
	hoard     [][]byte // what "leaks-memory" keeps
	openFiles []*os.File
}

const (
	// lateScan is how late a scan is for "gap-is-start" and "watchdog".
	lateScan = time.Second
	// queueSize is how many new requests "small-queue" takes from a scan.
	queueSize = 2000
	// hearingEnds is the number of requests after which "deaf-later" is deaf.
	hearingEnds = 4000
	// leakEach is how many requests there are for each one that leaks.
	leakEach = 8
	// longestStem is the longest stem of "long-stems", in bytes.
	longestStem = 128
	// longestHeader is the longest value of "cuts-headers", in bytes.
	longestHeader = 1024
	// mostHeaders is the number of headers of "few-headers".
	mostHeaders = 3
	// largestBody is the largest body of "large-bodies", in bytes, and bodyBlock the size of the
	// blocks of "cuts-blocks".
	largestBody = 4 << 20
	bodyBlock   = 4096
)

// beginScan does what a defect does at the beginning of a scan.
func (s *server) beginScan() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = 0
	s.gap = !s.lastScan.IsZero() && time.Since(s.lastScan) > lateScan+s.poll
	s.lastScan = time.Now()
	if s.gap && s.has("watchdog") {
		exitFatal(s.log, "a scan is late")
	}
}

// lastingIgnores reports whether a defect makes the server ignore a request. first says
// whether the request is new. s.mu is locked.
func (s *server) lastingIgnores(file requestFile, first bool) bool {
	if first {
		s.found++
	}
	leaks := first && len(s.seen)%leakEach == 0
	switch s.defect {
	case "loses-rarely":
		return first && len(s.seen)%2500 == 0
	case "small-queue":
		return first && s.found > queueSize
	case "deaf-later":
		return len(s.seen) > hearingEnds
	case "long-stems":
		return len(file.stem) > longestStem
	case "gap-is-start":
		return first && s.gap
	case "leaks-memory":
		if first {
			s.hoard = append(s.hoard, slices.Repeat([]byte{1}, 512<<10))
		}
	case "leaks-threads":
		if leaks {
			go func() { // never ends
				runtime.LockOSThread()
				select {}
			}()
		}
	case "leaks-some-files":
		if leaks {
			if f, err := os.Open(s.path(file.dir)); err == nil {
				s.openFiles = append(s.openFiles, f)
			}
		}
	}
	return false
}

// limitRequest changes what a handler receives.
func (d defect) limitRequest(req *request) {
	switch d {
	case "cuts-blocks":
		if n := len(req.body); n > 0 && n%bodyBlock == 0 {
			req.body = req.body[:n-1]
		}
	case "cuts-headers":
		for name, value := range req.headers {
			req.headers[name] = value[:min(len(value), longestHeader)]
		}
	case "few-headers":
		for n, name := range slices.Sorted(maps.Keys(req.headers)) {
			if n >= mostHeaders {
				delete(req.headers, name)
			}
		}
	}
}
