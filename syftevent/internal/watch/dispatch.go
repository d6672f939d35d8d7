package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A job is an event to be delivered to one handler.
type job struct {
	file        *file
	delivery    int     // index in file.deliveries
	before, now version // that the handler has seen, and that it is to see
	attempt     int
	lost        bool // the directory no longer exists
}

func (j *job) op() Op {
	switch {
	case !j.now.exists:
		return Removed
	case !j.before.exists:
		return Created
	}
	return Changed
}

// A result is what became of a job. If it is neither done nor failed, the handler did not see
// the version of the job, which is out of date.
type result struct {
	job          job
	done, failed bool
}

// A dispatcher runs jobs concurrently. Datasites take turns, and each may use half of the
// slots, so that one with very many events delays no other.
type dispatcher struct {
	ctx     context.Context
	watcher *Watcher
	slots   int
	ended   chan struct{} // holds a token after a job has ended

	mu      sync.Mutex
	queues  map[*site]*queue
	turns   []*queue // with jobs, the next one first
	waiting int
	running int
	stopped bool
	idle    chan struct{} // closed when stopped and nothing runs
	over    []result
}

// A queue has the jobs of a datasite.
type queue struct {
	site    *site
	jobs    []job
	running int
}

func newDispatcher(ctx context.Context, w *Watcher, slots int) *dispatcher {
	return &dispatcher{ctx: ctx, watcher: w, slots: slots, ended: make(chan struct{}, 1), queues: map[*site]*queue{}, idle: make(chan struct{})}
}

// queue adds a job.
func (p *dispatcher) queue(j job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := j.file.dir.site
	q := p.queues[s]
	if q == nil {
		q = &queue{site: s}
		p.queues[s] = q
	}
	if q.jobs = append(q.jobs, j); len(q.jobs) == 1 {
		p.turns = append(p.turns, q)
	}
	p.waiting++
	p.start()
}

// start starts jobs while there are slots. p.mu is held.
func (p *dispatcher) start() {
	for !p.stopped && p.running < p.slots {
		i := slices.IndexFunc(p.turns, func(q *queue) bool { return q.running < max(1, p.slots/2) })
		if i < 0 {
			return
		}
		q := p.turns[i]
		j := q.jobs[0]
		q.jobs = q.jobs[1:]
		p.turns = slices.Delete(p.turns, i, i+1)
		if len(q.jobs) > 0 {
			p.turns = append(p.turns, q)
		}
		p.waiting--
		p.running++
		q.running++
		go p.run(q, j)
	}
}

// run runs a job.
func (p *dispatcher) run(q *queue, j job) {
	r := result{job: j}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = append(p.over, r)
		p.running--
		if q.running--; q.running == 0 && len(q.jobs) == 0 {
			delete(p.queues, q.site)
		}
		p.start()
		if p.stopped && p.running == 0 {
			close(p.idle)
		}
		select {
		case p.ended <- struct{}{}:
		default:
		}
	}()
	w := p.watcher
	if w.paused() || !w.isCurrent(&j) || p.ctx.Err() != nil {
		return
	}
	watch := w.options.Watches[j.file.deliveries[j.delivery].watch]
	err := p.call(watch, &Event{
		Op: j.op(), Path: j.file.path(), Size: j.now.size, ModTime: j.modTime(), Attempt: j.attempt,
		Open: func() (*os.File, error) { return w.openFile(&j) },
	})
	switch {
	case err == nil:
		r.done = true
	case errors.Is(err, ErrChanged):
		return
	default:
		r.failed = true
	}
	w.mu.Lock()
	if r.done {
		w.figures.Events++
	} else {
		w.figures.Failed++
	}
	w.mu.Unlock()
	if r.failed && p.ctx.Err() == nil {
		w.options.Logger.Warn("syftevent: watch handler failed, will retry", "path", j.file.path(), "pattern", watch.Pattern.text,
			"attempt", j.attempt, "err", err)
	}
}

func (j *job) modTime() time.Time {
	if !j.now.exists {
		return time.Time{}
	}
	return time.Unix(0, j.now.modified)
}

// call calls a handler. It returns an error if the handler panics or ends its goroutine: the
// goroutine of the caller must go on.
func (p *dispatcher) call(watch Watch, event *Event) (err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = errors.New("handler goroutine exited without returning")
		defer func() {
			if v := recover(); v != nil {
				p.watcher.options.Logger.Error("syftevent: watch handler panicked", "path", event.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		err = watch.Handle(p.ctx, event)
	}()
	<-ended
	return err
}

// results returns the results since the last call.
func (p *dispatcher) results() []result {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := p.over
	p.over = nil
	return over
}

// stop starts no more jobs. It returns a channel that is closed when none runs.
func (p *dispatcher) stop() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped = true
		if p.running == 0 {
			close(p.idle)
		}
	}
	return p.idle
}

func (p *dispatcher) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.waiting
}

// isCurrent reports whether a file is the version of a job.
func (w *Watcher) isCurrent(j *job) bool {
	if j.lost {
		return !j.now.exists
	}
	_, anchor := w.current()
	state, err := w.files.state(anchor, w.options.Dir, []byte(j.file.path()+"\x00"))
	if err != nil {
		return !j.now.exists && isMissing(err)
	}
	return versionOf(state) == j.now
}

// openFile opens the file of a job. An os.Root follows symbolic links that stay inside it, so
// openFile checks that there is none.
func (w *Watcher) openFile(j *job) (*os.File, error) {
	name := j.file.path()
	if !j.now.exists {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	changed := &fs.PathError{Op: "open", Path: name, Err: ErrChanged}
	root, _ := w.current()
	if err := checkDirectory(root, path.Dir(name)); isMissing(err) {
		return nil, changed
	} else if err != nil {
		return nil, err
	}
	f, info, err := rootfs.OpenRegular(root, filepath.FromSlash(name), os.O_RDONLY)
	if isMissing(err) || errors.Is(err, rootfs.ErrNotRegular) {
		return nil, changed
	}
	if err != nil {
		return nil, err
	}
	if versionOf(rootfs.StateOf(info)) != j.now {
		f.Close()
		return nil, changed
	}
	return f, nil
}

// checkDirectory returns an error for which isMissing is true if a directory, or one above it,
// is missing or not a directory, such as a symbolic link to one.
func checkDirectory(root *os.Root, dir string) error {
	for ; dir != "."; dir = path.Dir(dir) {
		info, err := root.Lstat(filepath.FromSlash(dir))
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "lstat", Path: dir, Err: fs.ErrNotExist}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isBelow reports whether a path is in a datasite.
func isBelow(name string) bool {
	site, _, below := strings.Cut(name, "/")
	return below && isDatasite(site)
}
