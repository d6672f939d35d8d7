package spool

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"
)

// maxDepth is how deep below the spool's directory files are looked for.
const maxDepth = 32

// Scan looks at all directories and returns the files that ask and have no
// answer, without those that were found incomplete and are not due to be read
// again. A directory that cannot be read is logged and left for the next scan.
func (s *Spool) Scan() []Entry {
	err := s.reopen()
	s.trouble(".", err)
	if err != nil {
		return nil
	}
	scan := &scan{spool: s, now: time.Now(), seen: map[string]bool{}, asking: map[Entry]bool{}}
	scan.directory(".", 0)
	s.forget(scan)
	return scan.found
}

// scan is one look at the tree.
type scan struct {
	spool *Spool
	now   time.Time
	found []Entry
	seen  map[string]bool // directories
	// asking are the entries without an answer, those that wait included.
	asking map[Entry]bool
}

func (c *scan) directory(dir string, depth int) {
	entries, err := list(c.spool.current(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return // removed since its parent was listed
	}
	c.spool.trouble(dir, err)
	if err != nil {
		return
	}
	c.seen[dir] = true
	c.spool.know(dir, c.now)

	answered := map[string]bool{}
	var stems []string
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case entry.IsDir():
			if depth == maxDepth {
				c.spool.trouble(path.Join(dir, name), errTooDeep)
				continue
			}
			c.directory(path.Join(dir, name), depth+1)
		case !entry.Type().IsRegular():
			// A symbolic link could lead anywhere, and a FIFO would block.
		case strings.HasSuffix(name, c.spool.options.Out):
			answered[strings.TrimSuffix(name, c.spool.options.Out)] = true
		case strings.HasSuffix(name, c.spool.options.In) && !c.spool.options.Ignore(name):
			stems = append(stems, strings.TrimSuffix(name, c.spool.options.In))
		}
	}
	for _, stem := range stems {
		// A directory that changes while it is listed may show a name twice.
		if answered[stem] {
			continue
		}
		answered[stem] = true
		c.ask(Entry{dir, stem})
	}
}

func (c *scan) ask(entry Entry) {
	c.asking[entry] = true
	if c.spool.due(entry, c.now) {
		c.found = append(c.found, entry)
	}
}

// know notes when a directory was first seen.
func (s *Spool) know(dir string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.directories[dir]; !ok {
		s.directories[dir] = now
	}
}

// forget drops what is known of directories and files that are no more.
func (s *Spool) forget(c *scan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for dir := range s.directories {
		if !c.seen[dir] {
			delete(s.directories, dir)
		}
	}
	for entry := range s.pending {
		if !c.asking[entry] {
			delete(s.pending, entry)
		}
	}
}
