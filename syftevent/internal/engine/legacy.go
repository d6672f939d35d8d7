package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A legacyRequest lies in the endpoint's directory itself: the legacy layout has no sender
// directories.
type legacyRequest struct {
	dir, stem string
	answered  bool
}

// moveFinished moves finished requests of the legacy layout to their senders' directories,
// before the first scan. It enters only directories that lead to an endpoint. Those of senders,
// of which there may be very many, do not, unless a pattern has a wildcard.
func (s *Server) moveFinished(ctx context.Context, root *os.Root) {
	leadsTo := s.options.Endpoints().LeadsTo
	walk := rootfs.Walk{
		Root: root, Suffixes: []string{protocol.RequestSuffix, protocol.ResponseSuffix},
		Enters: func(dir string) bool { return leadsTo(protocol.CleanEndpoint(dir)) },
	}
	walk.Directories(func(dir string, part rootfs.Part, err error) error {
		if err != nil {
			s.logger.Warn("syftevent: reading folder failed", "path", path.Join(s.options.Dir, dir), "err", err)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		where, mine := locate(dir, s.options.Endpoints().Has)
		if !mine || where.sender != "" {
			return nil
		}
		answered := map[string]bool{}
		var stems []string
		for _, entry := range part.Names {
			name := entry.Name
			switch {
			case !entry.Regular:
			case strings.HasSuffix(name, protocol.ResponseSuffix):
				answered[strings.TrimSuffix(name, protocol.ResponseSuffix)] = true
			case strings.HasSuffix(name, protocol.RequestSuffix) && !protocol.IsMarker(name):
				stems = append(stems, strings.TrimSuffix(name, protocol.RequestSuffix))
			}
		}
		for _, stem := range stems {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := s.moveLegacy(root, legacyRequest{dir, stem, answered[stem]}); err != nil {
				s.logger.Warn("syftevent: moving legacy request failed",
					"path", path.Join(s.options.Dir, dir, stem+protocol.RequestSuffix), "err", err)
			}
		}
		return nil
	})
}

// moveLegacy moves a request that was answered or has expired to its sender's directory, the
// response first. An interrupted move has left the response there and the request here;
// then the request follows. Any other request stays, to be answered in place.
func (s *Server) moveLegacy(root *os.Root, r legacyRequest) error {
	request := path.Join(r.dir, r.stem+protocol.RequestSuffix)
	data, _, err := rootfs.ReadFile(root, request, s.options.MaxSize)
	if err != nil {
		return err
	}
	envelope, err := wire.DecodeRequest(data)
	if err != nil || !protocol.IsAddress(envelope.Sender) {
		return nil // answered with 400 in place
	}
	to := path.Join(r.dir, envelope.Sender)
	interrupted := s.isAnswer(root, path.Join(to, r.stem+protocol.ResponseSuffix), r.stem, envelope)
	expired := !envelope.Expires.IsZero() && time.Now().After(envelope.Expires)
	if !r.answered && !interrupted && !expired {
		return nil
	}
	if err := root.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if r.answered {
		if err := s.moveFile(root, r.dir, to, r.stem+protocol.ResponseSuffix); err != nil {
			return err
		}
	}
	return s.moveFile(root, r.dir, to, r.stem+protocol.RequestSuffix)
}

// isAnswer reports whether a file is this server's response to a request, which an
// interrupted move has left there. A sender can put any file there.
func (s *Server) isAnswer(root *os.Root, name, stem string, envelope *wire.Request) bool {
	data, _, err := rootfs.ReadFile(root, name, s.options.MaxSize)
	if err != nil {
		return false
	}
	response, err := wire.DecodeResponse(data)
	return err == nil && response.Sender == s.options.Email && response.URL == envelope.URL &&
		wire.CanonicalID(response.ID) == wire.CanonicalID(stem)
}

// moveFile moves a file to another directory. If a file of the same name and content is
// there, as after an interrupted move, it removes the first.
func (s *Server) moveFile(root *os.Root, from, to, name string) error {
	source, target := path.Join(from, name), path.Join(to, name)
	err := rootfs.Move(root, source, target)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	here, _, hereErr := rootfs.ReadFile(root, source, s.options.MaxSize)
	there, _, thereErr := rootfs.ReadFile(root, target, s.options.MaxSize)
	if hereErr != nil || thereErr != nil || !bytes.Equal(here, there) {
		return err
	}
	return root.Remove(source)
}
