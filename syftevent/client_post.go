package syftevent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A post is a request and the directory into which it is written.
type post struct {
	dir      string // with slashes, relative to the datasites
	envelope *wire.Request
	cached   bool   // see Cached
	data     []byte // the content of the file
}

// name returns the path of one of the request's files, relative to the datasites.
func (p *post) name(suffix string) string { return path.Join(p.dir, p.envelope.ID+suffix) }

// postAttempts is the number of attempts to send a cached request that other processes
// send at the same time.
const postAttempts = 10

// publish writes the request. It returns nil without an error if it reuses a cached
// one.
func (p *post) publish(root *os.Root) (fs.FileInfo, error) {
	if !p.cached {
		for _, suffix := range []string{protocol.RequestSuffix, protocol.ResponseSuffix} {
			if _, err := root.Lstat(p.name(suffix)); err == nil {
				return nil, fmt.Errorf("%s%s exists: id was used before", p.envelope.ID, suffix)
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
		if !errors.Is(err, rootfs.ErrTaken) {
			return written, err
		}
		// Another client was faster: reuse its request.
	}
	return nil, fmt.Errorf("gave up on request %s after %d conflicting concurrent sends", p.envelope.ID, postAttempts)
}

// setUncached gives the request an ID of its own.
func (p *post) setUncached() { p.envelope.ID, p.cached = newID(), false }

func (p *post) write(root *os.Root) (fs.FileInfo, error) {
	p.data = wire.AppendRequest(nil, p.envelope)
	return p.writeAgain(root)
}

// writeAgain writes the same bytes again, unless the file exists.
func (p *post) writeAgain(root *os.Root) (fs.FileInfo, error) {
	return rootfs.PublishFile(root, protocol.SendTempPrefix, p.name(protocol.RequestSuffix), p.data)
}

// reuse reports whether a cached request with the same ID exists. It removes one that has
// expired, unless that was answered: an ID is not used again while its response exists,
// so the new request gets another ID and is not cached.
func (p *post) reuse(root *os.Root) (bool, error) {
	// The same request has nearly the same size.
	limit := 2 * int64(len(wire.AppendRequest(nil, p.envelope)))
	data, _, err := rootfs.ReadFile(root, p.name(protocol.RequestSuffix), limit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, rootfs.ErrTooLarge) {
		return false, err
	}
	if err == nil {
		before, err := wire.DecodeRequest(data)
		if err == nil && (before.Expires.IsZero() || time.Now().Before(before.Expires)) {
			p.envelope.Expires, p.data = before.Expires, data
			return true, nil
		}
	}
	if _, err := root.Lstat(p.name(protocol.ResponseSuffix)); !errors.Is(err, fs.ErrNotExist) {
		p.setUncached()
		return false, nil
	}
	// Any rejection belongs to an earlier request with this ID.
	if err := removeRejections(root, p.dir, p.envelope.ID); err != nil {
		return false, err
	}
	if err := root.Remove(p.name(protocol.RequestSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, nil
}
