package mutantclient

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// A listing holds the files of a directory by stem, which is all before the first dot.
type listing map[string]stemFiles

// stemFiles are the names of the files of a stem, without the stem: ".request".
type stemFiles []string

func (s stemFiles) has(suffix string) bool { return slices.Contains(s, suffix) }

// conflicts counts the markers of conflicts.
func (s stemFiles) conflicts() int {
	n := 0
	for _, suffix := range s {
		if isMarked(suffix, "conflict") || isMarked(suffix, "syftconflict") {
			n++
		}
	}
	return n
}

// isMarked reports whether a suffix is that of a request with a marker, with or without a time.
func isMarked(suffix, marker string) bool {
	rest, ok := strings.CutPrefix(suffix, "."+marker)
	if !ok {
		return false
	}
	moment, ok := strings.CutSuffix(rest, requestSuffix)
	return ok && (moment == "" || moment[0] == '.' && strings.Trim(moment[1:], "0123456789") == "")
}

// list lists a directory. One that does not exist is empty.
func list(dir string) (listing, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	files := listing{}
	for _, name := range names {
		if i := strings.IndexByte(name, '.'); i > 0 {
			files[name[:i]] = append(files[name[:i]], name[i:])
		}
	}
	return files, nil
}

// collectInterval is the time between two searches for files that SyftBox has brought back.
const collectInterval = time.Second

// scan lists each folder once, checks its calls, and collects files that came back.
func (c *client) scan() {
	collecting := time.Since(c.lastCollect) >= collectInterval
	if collecting {
		c.lastCollect = time.Now()
	}
	for dir, f := range c.folders {
		switch {
		case len(f.active) > 0 || collecting && len(f.removed) > 0:
		case len(f.removed) == 0:
			delete(c.folders, dir)
			continue
		default:
			continue
		}
		files, err := list(dir)
		if err != nil {
			c.log.Error("list folder failed", "err", err)
		}
		c.checkCalls(f, files, err == nil)
		if collecting && err == nil {
			c.collect(f, files)
		}
	}
}

// checkCalls ends the calls of a folder that have a result.
func (c *client) checkCalls(f *folder, files listing, listed bool) {
	type outcome struct {
		*pending
		result
	}
	var done []outcome
	for _, p := range f.active {
		if r, ok := c.check(f, p, files, listed); ok {
			done = append(done, outcome{p, r})
		}
	}
	slices.SortFunc(done, func(a, b outcome) int { return cmp.Compare(a.seq, b.seq) })
	if c.has("swaps-results") && len(done) > 1 {
		done[0].result, done[1].result = done[1].result, done[0].result
	}
	for _, o := range done {
		c.finish(f, o.pending, files[o.stem], o.result)
	}
}

// check returns the result of a call, if there is one. Nothing is missing in a folder that
// could not be listed.
func (c *client) check(f *folder, p *pending, files listing, listed bool) (result, bool) {
	own := files[p.stem]
	c.nudgeIfDue(f, p)
	if own.has(responseSuffix) && !c.isBlocked() {
		if r, ok := c.readResponse(f, p); ok {
			return r, true
		}
	}
	if c.isRejected(p, files) {
		return failure("rejected", "SyftBox rejected the request"), true
	}
	if time.Now().After(c.deadline(p)) {
		return failure("expired", "no response within %v", p.lifetime), true
	}
	if !listed {
		return result{}, false
	}
	return c.checkMissing(p, own)
}

// isRejected reports whether SyftBox has marked a request as rejected.
func (c *client) isRejected(p *pending, files listing) bool {
	if c.has("any-rejection") {
		for _, suffixes := range files {
			if slices.ContainsFunc(suffixes, c.isRejection) {
				return true
			}
		}
	}
	return slices.ContainsFunc(files[p.stem], c.isRejection)
}

func (d defect) isRejection(suffix string) bool {
	switch {
	case d.has("ignores-rejections"):
		return false
	case d.has("untimed-rejections"):
		return suffix == ".rejected.request" || suffix == ".syftrejected.request"
	case d.has("new-markers"):
		return isMarked(suffix, "rejected")
	case d.has("conflict-rejects") && isMarked(suffix, "conflict"):
		return true
	}
	return isMarked(suffix, "rejected") || isMarked(suffix, "syftrejected")
}
