package spool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Between two passes of Mend lies mendPause, or mendCost times as long as the last
// pass has taken: it uses no more than 1/200 of a core.
const (
	mendPause = 10 * time.Second
	mendCost  = 200
)

// mended is what Mend knows of a directory. Only Mend uses it.
type mended struct {
	stamp  rootfs.Stamp // when it was listed last; zero for never
	again  bool         // the stamp was new then, and may not tell of a change just after
	newest int64        // of the answers in it: when the last one changed, in nanoseconds
}

// A mender is one call of Mend. Its memory is used again for each pass.
type mender struct {
	spool       *Spool
	lister      *rootfs.Lister
	directories []*directory
	asking      map[string]struct{} // stems of the files that ask, of one directory
	suspects    map[Entry]struct{}  // those whose answer is torn
}

// Mend removes torn answers of files that ask, so that those ask again, until ctx is
// done. It begins after the first scan.
//
// The first pass reads every answer. A later one looks only at the directories that
// have changed since the pass before began, or at all where times are not trusted,
// and there at the sizes; it reads the answers that have changed since. A torn answer
// is removed when it has stayed the same for the settle time, so its file waits for a
// pause, a pass and twice the settle time at most, or twice that if it was still written to.
func (s *Spool) Mend(ctx context.Context) {
	select {
	case <-s.scanned:
	case <-ctx.Done():
		return
	}
	m := newMender(s)
	for first := true; ; first = false {
		began := time.Now()
		m.pass(ctx)
		took := time.Since(began)
		if len(m.suspects) > 0 {
			if !sleep(ctx, s.settleTime()) {
				return
			}
			began = time.Now()
			m.settle(ctx)
			took += time.Since(began)
		}
		if first {
			took = 0 // the others read less
		}
		if !sleep(ctx, max(mendPause, mendCost*took)) {
			return
		}
	}
}

func newMender(s *Spool) *mender {
	return &mender{spool: s, lister: rootfs.NewLister(nil, s.options.MaxListed, s.in, s.out), suspects: map[Entry]struct{}{}}
}

// sleep waits, and reports whether ctx is not done.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pass looks for suspects.
func (m *mender) pass(ctx context.Context) {
	s := m.spool
	s.mu.Lock()
	root, trusted := s.root, s.trusted
	m.directories = m.directories[:0]
	for _, d := range s.directories {
		m.directories = append(m.directories, d)
	}
	s.mu.Unlock()
	// Spool.anchor is closed when another directory has taken the place of the spool's.
	anchor, err := root.Open(".")
	if err != nil {
		return // the next pass finds the other one
	}
	defer anchor.Close()
	m.lister.Root = root
	for _, d := range m.directories {
		if ctx.Err() != nil {
			break
		}
		now, err := rootfs.ReadStamp(anchor, s.dir, d.cname())
		if err != nil {
			continue // gone
		}
		same := now == d.mended.stamp
		if trusted && same && !d.mended.again {
			continue
		}
		newest, ok := m.look(ctx, d)
		if !ok {
			d.mended.again = true
			continue
		}
		d.mended = mended{stamp: now, again: !same, newest: newest}
	}
	clear(m.directories)
}

// look lists a directory and adds its torn answers to the suspects. It returns when
// the last answer in it has changed, and whether all could be looked at.
func (m *mender) look(ctx context.Context, d *directory) (newest int64, ok bool) {
	newest = d.mended.newest
	err := m.lister.Parts(d.name, 0, func(err error) error {
		if err != nil {
			return err
		}
		return m.lookAt(ctx, d, &newest)
	})
	return newest, err == nil
}

// errNotAll means that not all answers could be looked at.
var errNotAll = errors.New("not all answers were looked at")

// lookAt looks at the answers of one part of a directory.
func (m *mender) lookAt(ctx context.Context, d *directory, newest *int64) error {
	s, names := m.spool, &m.lister.Listing
	if !m.findAsking(names) {
		return nil
	}
	p, err := openDirHandle(m.lister.Root, d.name)
	if err != nil {
		return err
	}
	defer p.root.Close()
	for _, e := range names.Entries {
		stem, answers := bytes.CutSuffix(names.Name(e), s.out)
		if _, asks := m.asking[text(stem)]; !answers || !asks || e.Kind == rootfs.Directory || e.Kind == rootfs.Other {
			continue
		}
		if ctx.Err() != nil || len(m.suspects) >= maxTroubles {
			return errNotAll
		}
		name := text(names.Name(e))
		info, err := p.root.Lstat(name)
		if err != nil {
			continue // gone
		}
		changed := rootfs.ChangedAt(info)
		*newest = max(*newest, changed)
		// Changes within a tick of the file system's clock look simultaneous.
		if old := changed < d.mended.newest-racyWindow.Nanoseconds(); old && info.Size() > 0 || !s.isTorn(p.root, name, info) {
			continue
		}
		entry := Entry{d.name, string(stem)}
		s.staysTorn(p.root, entry)
		m.suspects[entry] = struct{}{}
	}
	return nil
}

// findAsking notes the files of a listing that ask, and reports whether there are any.
func (m *mender) findAsking(names *rootfs.Listing) bool {
	const keep = 10_000
	if clear(m.asking); m.asking == nil || len(names.Entries) > keep {
		m.asking = map[string]struct{}{}
	}
	for _, e := range names.Entries {
		name := names.Name(e)
		if stem, asks := bytes.CutSuffix(name, m.spool.in); asks && e.Kind != rootfs.Directory && e.Kind != rootfs.Other && !m.spool.options.Ignore(text(name)) {
			m.asking[text(stem)] = struct{}{}
		}
	}
	return len(m.asking) > 0
}

// settle removes the suspects that have stayed the same, and keeps those that are to
// be looked at again.
func (m *mender) settle(ctx context.Context) {
	for entry := range m.suspects {
		if ctx.Err() != nil {
			return
		}
		name := entry.String() + m.spool.options.Out
		waits, err := m.spool.removeTorn(entry)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		m.spool.trouble(name, err)
		if !waits && err == nil {
			delete(m.suspects, entry)
		}
	}
}

// removeTorn removes the answer of an entry if it has stayed torn for the settle time.
// It reports whether it has not, but may.
func (s *Spool) removeTorn(entry Entry) (waits bool, err error) {
	p, err := openDirHandle(s.current(), entry.Dir)
	if err != nil {
		return false, err
	}
	defer p.root.Close()
	if _, err := p.root.Lstat(entry.Stem + s.options.In); err != nil {
		return false, err // an orphan
	}
	torn, stays := s.staysTorn(p.root, entry)
	if !stays {
		return torn, nil
	}
	return false, s.dropTorn(p.root, entry)
}

// dropTorn removes a torn answer.
func (s *Spool) dropTorn(root *os.Root, entry Entry) error {
	if err := root.Remove(entry.Stem + s.options.Out); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.torn, entry)
	s.mu.Unlock()
	s.options.Logger.Warn("syftevent: incomplete response removed", "path", s.path(path.Join(entry.Dir, entry.Stem+s.options.Out)))
	return nil
}
