package spool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// The pause between two passes of Mend is mendPause, or mendCost times the duration of the last
// pass if that is longer, but at most mendLatest: Mend uses a thousandth of a core. Where
// mtimes are not trusted, a pass mostly waits for the network, and the pause is mendCostRemote
// times as long.
const (
	mendPause      = 10 * time.Second
	mendCost       = 1000
	mendLatest     = 5 * time.Minute
	mendCostRemote = 200
)

// mended is the state of a directory for Mend, which alone uses it.
type mended struct {
	stamp  rootfs.Stamp // at the last listing; zero for none
	newest int64        // the latest change of an output, in nanoseconds
}

// A mender is one call of Mend. Each pass reuses its memory.
type mender struct {
	watch       stopwatch // of the pass
	spool       *Spool
	lister      *rootfs.Lister
	directories []*directory
	inputs      map[string]struct{} // stems of the inputs of one directory
	suspects    map[Entry]struct{}  // those with a torn output
}

// Mend removes the torn outputs of inputs, which are pending then, until ctx is done. It
// begins after the first scan.
//
// The first pass over a directory reads every output, and removes the temporary files that
// earlier processes left. A later pass checks the directories that have changed since the pass
// before began, or all if mtimes are not trusted: it compares sizes, and reads the outputs that
// have changed. A torn output is removed when it has not changed for the settle time. It is found
// within a pause, a pass and twice the settle time, or twice that if it was still being written.
func (s *Spool) Mend(ctx context.Context) {
	select {
	case <-s.scanned:
	case <-ctx.Done():
		return
	}
	m := newMender(s)
	for passes := 1; ; passes++ {
		m.watch.start()
		m.pass(ctx)
		took := m.watch.stop()
		if len(m.suspects) > 0 {
			if !sleep(ctx, s.settleTime()) {
				return
			}
			m.watch.start()
			m.settle(ctx)
			took += m.watch.stop()
		}
		pause := min(mendCost*took, mendLatest)
		if !s.Trusted() {
			pause = mendCostRemote * took
		}
		if passes <= 2 {
			pause = 0 // the first two list every directory, the others only those that have changed
		}
		if !sleep(ctx, max(mendPause, pause)) {
			return
		}
	}
}

func newMender(s *Spool) *mender {
	return &mender{spool: s, lister: rootfs.NewLister(s.options.MaxListed, s.in, s.out), suspects: map[Entry]struct{}{}}
}

// sleep reports whether it slept for that time: false means that ctx is done.
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

// pass finds suspects.
func (m *mender) pass(ctx context.Context) {
	s := m.spool
	s.mu.Lock()
	root, trusted := s.root, s.trusted
	m.directories = m.directories[:0]
	m.directories = slices.Grow(m.directories, s.directories.count)
	m.directories = slices.AppendSeq(m.directories, s.directories.all())
	s.mu.Unlock()
	// Not Spool.anchor, which belongs to the scanning goroutine.
	anchor, err := root.Open(".")
	if err != nil {
		return // the next pass uses the new root
	}
	defer anchor.Close()
	m.lister.Root, m.lister.Anchor = root, anchor
	for _, d := range m.directories {
		if ctx.Err() != nil {
			break
		}
		now, err := rootfs.ReadStamp(anchor, s.dir, d.cname())
		if err != nil {
			continue // gone
		}
		same := now == d.mended.stamp
		if trusted && same && !d.mendAgain {
			continue
		}
		newest, ok := m.checkDirectory(ctx, d)
		if !ok {
			d.mendAgain = true
			continue
		}
		d.mended, d.mendAgain = mended{now, newest}, !same && !(trusted && isOld(now, time.Now()))
	}
	clear(m.directories)
}

// checkDirectory lists a directory and adds its torn outputs to the suspects. It returns the
// latest change of an output, and whether all could be checked.
func (m *mender) checkDirectory(ctx context.Context, d *directory) (newest int64, ok bool) {
	newest = d.mended.newest
	err := m.lister.Parts(d.name, 0, func(err error) error {
		if err != nil {
			return err
		}
		return m.checkPart(ctx, d, &newest)
	})
	return newest, err == nil
}

var errNotAll = errors.New("not all outputs were checked")

// checkPart checks the outputs of one part of a directory.
func (m *mender) checkPart(ctx context.Context, d *directory, newest *int64) error {
	s, names := m.spool, &m.lister.Listing
	if d.mended.stamp == (rootfs.Stamp{}) {
		m.removeAbandoned(ctx, d)
	}
	if !m.findInputs(names) {
		return nil
	}
	p, err := openDirHandle(m.lister.Root, d.name)
	if err != nil {
		return err
	}
	defer p.root.Close()
	for _, e := range names.Entries {
		stem, isOutput := bytes.CutSuffix(names.Name(e), s.out)
		if _, isInput := m.inputs[text(stem)]; !isOutput || !isInput || e.Kind == rootfs.Directory || e.Kind == rootfs.Other {
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
		// Changes within one tick of the file system's clock have the same time.
		if old := changed < d.mended.newest-racyWindow.Nanoseconds(); old && info.Size() > 0 || !s.isTorn(p.root, name, info) {
			continue
		}
		entry := Entry{d.name, string(stem)}
		s.staysTorn(p.root, entry)
		m.suspects[entry] = struct{}{}
	}
	return nil
}

// removeAbandoned removes the temporary files in a listing that earlier processes left.
func (m *mender) removeAbandoned(ctx context.Context, d *directory) {
	names := &m.lister.Listing
	for _, e := range names.Entries {
		name := text(names.Name(e))
		if !rootfs.IsAbandoned(name, m.spool.options.TempPrefix) || e.Kind == rootfs.Directory || ctx.Err() != nil {
			continue
		}
		if keep := m.spool.options.KeepTemp; keep != nil && keep(name) {
			continue
		}
		name = path.Join(d.name, name)
		if err := m.lister.Root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrClosed) {
			m.spool.options.Logger.Warn("syftevent: removing temporary file failed", "path", m.spool.path(name), "err", err)
		}
	}
}

// findInputs collects the inputs of a listing, and reports whether there are any.
func (m *mender) findInputs(names *rootfs.Listing) bool {
	const keep = 10_000
	if clear(m.inputs); m.inputs == nil || len(names.Entries) > keep {
		m.inputs = map[string]struct{}{}
	}
	for _, e := range names.Entries {
		name := names.Name(e)
		if stem, isInput := bytes.CutSuffix(name, m.spool.in); isInput && e.Kind != rootfs.Directory && e.Kind != rootfs.Other && !m.spool.options.Ignore(text(name)) {
			m.inputs[text(stem)] = struct{}{}
		}
	}
	return len(m.inputs) > 0
}

// settle removes the outputs of suspects that have not changed, and keeps the suspects that
// are to be checked again.
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

// removeTorn removes the output of an entry if it has been torn for the settle time. waits
// means that it is torn, but not for that long yet.
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

// dropTorn removes a torn output.
func (s *Spool) dropTorn(root *os.Root, entry Entry) error {
	if err := root.Remove(entry.Stem + s.options.Out); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.torn, entry)
	s.mu.Unlock()
	s.options.Logger.Warn("syftevent: incomplete file removed", "path", s.path(path.Join(entry.Dir, entry.Stem+s.options.Out)))
	return nil
}
