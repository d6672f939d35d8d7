package syftevent

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A collector removes the files of ended requests when SyftBox brings them back. A
// removal races with SyftBox's full sync: if that fetched the server's list
// before the file was on it, SyftBox drops the file from its journal, and downloads it
// again a cycle later. The response to a canceled request may also arrive late. The
// collector checks every few seconds, on a timer, while it tracks requests.
// [client-collect]
type collector struct {
	mu        sync.Mutex
	over      map[collected]time.Time // when to stop checking for each
	scheduled bool                    // whether the timer is set
}

// A collected is a request that has ended.
type collected struct {
	datasites string
	dir, id   string // the directory relative to the datasites, with slashes
}

const (
	// collectEvery is the interval of the checks.
	collectEvery = 3 * time.Second
	// collectFor is how long the collector checks for the files of a request, restarted
	// by each removal: twelve cycles of SyftBox.
	collectFor = time.Minute
	// maxCollected is the number of tracked requests. Beyond it, an arbitrary one is dropped.
	maxCollected = 10_000
)

// watch starts to check for the files of an ended request.
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
	c.checkLater()
}

// forget stops checking for an ID that is used again.
func (c *collector) forget(datasites, dir, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.over, collected{datasites, dir, id})
}

// checkLater sets the timer. c.mu is held.
func (c *collector) checkLater() {
	if !c.scheduled && len(c.over) > 0 {
		c.scheduled = true
		time.AfterFunc(collectEvery, c.check)
	}
}

// check removes the files that are back.
func (c *collector) check() {
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
	c.scheduled = false
	c.checkLater()
}

// removeFilesOf removes the files of requests in a directory, requests before responses,
// and returns the IDs of those whose files it removed.
func removeFilesOf(dir string, requests map[string]collected) (found []string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	suffixes := []string{protocol.RequestSuffix, protocol.ResponseSuffix}
	over := make([][]string, len(suffixes)) // names, by suffix
	err = eachName(root, ".", func(name string) {
		for i, suffix := range suffixes {
			id, ok := protocol.IDOf(name, suffix)
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
			if id, _ := protocol.IDOf(name, suffix); root.Remove(name) == nil {
				found = append(found, id)
			}
		}
	}
	return found
}
