package sweep

import (
	"context"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// trim removes the oldest of the answered pairs of a directory beyond s.Keep, by the time of
// the response. It keeps a pair whose response is younger than an hour, and one whose request
// has not expired: its client may not have read the response yet.
func (s *sweep) trim(ctx context.Context, pairs []string) {
	type pair struct {
		name     string
		answered time.Time
	}
	var all []pair
	for _, name := range pairs {
		info, err := s.root.Lstat(name + protocol.ResponseSuffix)
		if err != nil {
			s.failed(name+protocol.ResponseSuffix, err)
			continue
		}
		all = append(all, pair{name, s.modified(name+protocol.ResponseSuffix, info.ModTime())})
	}
	slices.SortFunc(all, func(a, b pair) int { return a.answered.Compare(b.answered) })
	for _, p := range all[:max(0, len(all)-s.Keep)] {
		if ctx.Err() != nil || s.fsNow.Sub(p.answered) < freshFor {
			return // so are those after it
		}
		data, modified, err := s.read(p.name + protocol.RequestSuffix)
		if err != nil {
			s.failed(p.name+protocol.RequestSuffix, err)
			continue
		}
		// One that cannot be decoded was refused.
		if envelope, err := wire.DecodeRequest(data); err == nil && !s.hasExpired(envelope, modified) {
			continue
		}
		s.removePair(p.name, true)
	}
}
