package syftevent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A post is a request on its way into its directory.
type post struct {
	dir      string // with slashes, relative to the datasites
	envelope *wire.Request
	cached   bool   // the files stay for others who send the same
	data     []byte // the bytes that stand in the file
}

// name returns the path of one of the request's files, relative to the datasites.
func (p *post) name(suffix string) string { return path.Join(p.dir, p.envelope.ID+suffix) }

// postAttempts is how often a cached request gives way to one that another has
// sent at the same time.
const postAttempts = 10

// publish writes the request, and returns nil without an error if a cached one
// stands there already.
func (p *post) publish(root *os.Root) (fs.FileInfo, error) {
	if !p.cached {
		for _, suffix := range []string{requestSuffix, responseSuffix} {
			if _, err := root.Lstat(p.name(suffix)); err == nil {
				return nil, fmt.Errorf("%s%s exists: the id was used before", p.envelope.ID, suffix)
			}
		}
		return p.write(root)
	}
	for range postAttempts {
		known, err := p.reuse(root)
		if known || err != nil {
			return nil, err
		}
		written, err := p.write(root)
		if !errors.Is(err, spool.ErrAnswered) {
			return written, err
		}
		// Somebody was faster: theirs is the request.
	}
	return nil, fmt.Errorf("gave up on request %s after %d conflicting concurrent sends", p.envelope.ID, postAttempts)
}

func (p *post) write(root *os.Root) (fs.FileInfo, error) {
	p.data = wire.AppendRequest(nil, p.envelope)
	return p.writeAgain(root)
}

// writeAgain writes the bytes that stood in the file before, unless a file is there.
func (p *post) writeAgain(root *os.Root) (fs.FileInfo, error) {
	return spool.PublishFile(root, p.name(requestSuffix), p.data)
}

// reuse looks for a request with the same id that a cached one may stand for, and
// reports whether there is one. One that has expired makes way, unless it was
// answered: an id is not used again while a response of that id exists, so the
// new request then gets another, and is not cached.
func (p *post) reuse(root *os.Root) (bool, error) {
	// One that says the same has nearly the same size; a larger one is another.
	limit := 2 * int64(len(wire.AppendRequest(nil, p.envelope)))
	data, _, err := spool.ReadFile(root, p.name(requestSuffix), limit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, spool.ErrTooLarge) {
		return false, err
	}
	if err == nil {
		before, err := wire.DecodeRequest(data)
		if err == nil && (before.Expires.IsZero() || time.Now().Before(before.Expires)) {
			p.envelope.Expires, p.data = before.Expires, data
			return true, nil
		}
	}
	if _, err := root.Lstat(p.name(responseSuffix)); !errors.Is(err, fs.ErrNotExist) {
		p.envelope.ID, p.cached = newID(), false
		return false, nil
	}
	// An earlier request of the id may have been rejected; this one was not yet.
	if err := removeRejections(root, p.dir, p.envelope.ID); err != nil {
		return false, err
	}
	if err := root.Remove(p.name(requestSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, nil
}
