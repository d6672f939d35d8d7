package syftevent

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A collector removes the files of ended requests when SyftBox brings them back. A
// removal races with SyftBox's full synchronization: if that fetched the server's list
// before the file was on it, SyftBox drops the file from its journal, and downloads it
// again a cycle later. The response to a request that was given up may also come late.
// The collector checks every few seconds, by a timer, while it has requests to check.
// [client-collect]
type collector struct {
	mu      sync.Mutex
	over    map[collected]time.Time // until when to check for each
	looking bool                    // whether the timer is set
}

// A collected is a request that has ended.
type collected struct {
	datasites string
	dir, id   string // the directory relative to the datasites, with slashes
}

const (
	// collectEvery is how often the collector looks.
	collectEvery = 3 * time.Second
	// collectFor is how long it looks for the files of a request, and again from
	// each removal: twelve cycles of SyftBox.
	collectFor = time.Minute
	// maxCollected is how many requests it remembers; beyond it forgets some.
	maxCollected = 10_000
)

// watch begins to check for the files of a request that has ended.
func (c *collector) watch(datasites, dir, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		c.over = map[collected]time.Time{}
	}
	if len(c.over) >= maxCollected {
		for other := range c.over {
			delete(c.over, other)
			break
		}
	}
	c.over[collected{datasites, dir, id}] = time.Now().Add(collectFor)
	c.lookLater()
}

// forget is for an id that is used again.
func (c *collector) forget(datasites, dir, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.over, collected{datasites, dir, id})
}

// lookLater sets the timer. c.mu is held.
func (c *collector) lookLater() {
	if !c.looking && len(c.over) > 0 {
		c.looking = true
		time.AfterFunc(collectEvery, c.look)
	}
}

// look removes what has come back.
func (c *collector) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	directories := map[string]map[string]collected{} // by path, and by id
	for r, until := range c.over {
		if now.After(until) {
			delete(c.over, r)
			continue
		}
		dir := filepath.Join(r.datasites, filepath.FromSlash(r.dir))
		if directories[dir] == nil {
			directories[dir] = map[string]collected{}
		}
		directories[dir][r.id] = r
	}
	for dir, requests := range directories {
		for _, id := range removeFilesOf(dir, requests) {
			c.over[requests[id]] = now.Add(collectFor)
		}
	}
	c.looking = false
	c.lookLater()
}

// removeFilesOf removes the files of requests in a directory, the requests first,
// and returns the ids of those that had any.
func removeFilesOf(dir string, requests map[string]collected) (found []string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	suffixes := []string{requestSuffix, responseSuffix}
	over := make([][]string, len(suffixes)) // names, by suffix
	err = eachName(root, ".", func(name string) {
		for i, suffix := range suffixes {
			id, ok := idOf(name, suffix)
			if _, ended := requests[id]; ok && ended && len(over[i]) < namesAtOnce {
				over[i] = append(over[i], name)
			}
		}
	})
	if err != nil {
		return nil
	}
	for i, suffix := range suffixes {
		for _, name := range over[i] {
			if id, _ := idOf(name, suffix); root.Remove(name) == nil {
				found = append(found, id)
			}
		}
	}
	return found
}

// conflictPattern is the marker, with a time behind it if there was one before,
// that SyftBox puts before the extension of a file that it found in conflict.
var conflictPattern = regexp.MustCompile(`\.conflict(\.\d{14})?$`)

// idOf returns the id of the request that a file with the suffix belongs to, marked
// as in conflict or not.
func idOf(name, suffix string) (id string, ok bool) {
	stem, ok := strings.CutSuffix(name, suffix)
	return conflictPattern.ReplaceAllString(stem, ""), ok
}
