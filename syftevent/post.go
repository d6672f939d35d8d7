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

// A post is a request on its way into its folder.
type post struct {
	root     *os.Root
	dir      string // with slashes
	envelope *wire.Request
	cached   bool // the files stay for others who send the same
}

// name is that of one of the request's files.
func (p *post) name(suffix string) string { return path.Join(p.dir, p.envelope.ID+suffix) }

// postAttempts is how often a cached request gives way to one that another has
// sent at the same time.
const postAttempts = 10

// publish writes the request, and returns nil without an error if a cached one
// stands there already.
func (p *post) publish() (fs.FileInfo, error) {
	if !p.cached {
		for _, suffix := range []string{requestSuffix, responseSuffix} {
			if _, err := p.root.Lstat(p.name(suffix)); err == nil {
				return nil, fmt.Errorf("%s%s exists: the id was used before", p.envelope.ID, suffix)
			}
		}
		return p.write()
	}
	for range postAttempts {
		known, err := p.reuse()
		if known || err != nil {
			return nil, err
		}
		written, err := p.write()
		if !errors.Is(err, spool.ErrAnswered) {
			return written, err
		}
		// Somebody was faster: theirs is the request.
	}
	return nil, fmt.Errorf("request %s is sent and removed by others all the time", p.envelope.ID)
}

func (p *post) write() (fs.FileInfo, error) {
	return spool.PublishFile(p.root, p.name(requestSuffix), wire.AppendRequest(nil, p.envelope))
}

// reuse looks for the request of the same id that a cached one may stand for, and
// reports whether there is one. One that has expired makes way, unless it was
// answered: an id is not used again while a response of that id exists, so the
// new request then gets another, and is not cached.
func (p *post) reuse() (bool, error) {
	data, _, err := spool.ReadFile(p.root, p.name(requestSuffix), unlimited)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err == nil {
		before, err := wire.DecodeRequest(data)
		if err == nil && (before.Expires.IsZero() || time.Now().Before(before.Expires)) {
			p.envelope.Expires = before.Expires
			return true, nil
		}
	}
	if _, err := p.root.Lstat(p.name(responseSuffix)); !errors.Is(err, fs.ErrNotExist) {
		p.envelope.ID, p.cached = newID(), false
		return false, nil
	}
	// An earlier request of the id may have been rejected; this one was not yet.
	if err := removeRejections(p.root, p.dir, p.envelope.ID); err != nil {
		return false, err
	}
	if err := p.root.Remove(p.name(requestSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, nil
}
