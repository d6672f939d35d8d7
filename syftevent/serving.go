package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

type entry = spool.Entry

// serving is a server that runs. The goroutines that start begins end with
// stop, in this order: the loop that looks for requests, the workers, the one
// that waits for them and closes finished.
type serving struct {
	app, email string
	dir        string // the app's "rpc" folder
	router     *Router
	logger     *slog.Logger

	poll, settle, drain, nudge time.Duration
	maxSize                    int64
	workers                    int
	debug, anyName             bool
	cleanup                    *PeriodicCleanup // nil for none

	lock           *os.File // nil where files cannot be locked
	published      *table   // the routes whose folders and schema are there
	spool          *spool.Spool
	handlers       context.Context // of every handler
	cancelHandlers context.CancelFunc
	stopOnce       sync.Once
	stopping       chan struct{} // closed by stop
	finished       chan struct{} // closed when all has ended
	work           chan work

	mu sync.Mutex
	// inHand has the requests that a worker has or will get, and as false those
	// that were released since the last look began.
	inHand map[entry]bool
	left   map[string]bool // folders whose requests are left alone, and were logged
}

// work is a request for a worker.
type work struct {
	entry    entry
	location location
}

// rpcDir is the folder below which an app's requests arrive.
func rpcDir(client *Client, app string) string {
	return filepath.Join(client.AppData(app), "rpc")
}

// start takes the app, prepares its folders and starts the goroutines. What it
// has opened it closes if it fails.
func (s *serving) start(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("syftevent: making the folder of app %q: %w", s.app, err)
	}
	if s.lock, err = lockApp(ctx, filepath.Join(filepath.Dir(s.dir), lockName), s.logger); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.unlock()
		}
	}()
	if err := s.prepare(); err != nil {
		return err
	}
	s.spool, err = spool.Open(s.dir, spool.Options{
		In: requestSuffix, Out: responseSuffix,
		Ignore: isMarker, Complete: wire.Complete,
		MaxSize: s.maxSize, Settle: s.settle, NudgeInterval: s.nudge,
		Logger: s.logger,
	})
	if err != nil {
		return fmt.Errorf("syftevent: starting app %q: %w", s.app, err)
	}
	// A handler keeps the values of ctx. That ctx is cancelled means that the
	// server is to stop, which is no reason to break off what is half done.
	s.handlers, s.cancelHandlers = context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, s.stop)

	if s.cleanup != nil {
		if err := s.cleanup.Start(s.handlers); err != nil {
			return errors.Join(err, s.spool.Close())
		}
	}
	var workers sync.WaitGroup
	for range s.workers {
		workers.Go(func() {
			for w := range s.work {
				s.answer(w)
				s.release(w.entry)
			}
		})
	}
	go func() {
		s.look()
		forget()
		if s.cleanup != nil {
			s.cleanup.Stop()
		}
		close(s.work)
		s.drainWorkers(&workers)
		s.spool.Close()
		s.unlock()
		close(s.finished)
	}()
	return nil
}

// prepare brings the app's folder into the state in which requests may arrive.
func (s *serving) prepare() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("syftevent: opening the folder of app %q: %w", s.app, err)
	}
	defer root.Close()
	if err := s.tidy(root); err != nil {
		return err
	}
	if err := s.writePermissions(root); err != nil {
		return err
	}
	s.published = s.router.load()
	return s.publishRoutes(root, s.published)
}

// republish follows routes that were registered while the server runs.
func (s *serving) republish() {
	now := s.router.load()
	if now == s.published {
		return
	}
	s.published = now
	root, err := os.OpenRoot(s.dir)
	if err == nil {
		err = errors.Join(s.publishRoutes(root, now), root.Close())
	}
	if err != nil {
		s.logger.Error("syftevent: the routes that were added are not published", "err", err)
	}
}

// unlock lets the next server have the app.
func (s *serving) unlock() {
	if s.lock != nil {
		s.lock.Close()
	}
}

// abandonAfter is how long a handler may go on after its context was cancelled.
// One that ignores the cancellation must not keep the program from ending.
const abandonAfter = time.Second

// drainWorkers waits for the handlers that run, cancels them when the drain
// timeout is over, and gives up on those that do not heed that.
func (s *serving) drainWorkers(workers *sync.WaitGroup) {
	idle := make(chan struct{})
	go func() { // ends with the last handler
		workers.Wait()
		close(idle)
	}()
	overdue := time.AfterFunc(s.drain, s.cancelHandlers)
	defer overdue.Stop()
	defer s.cancelHandlers()
	select {
	case <-idle:
		return
	case <-s.handlers.Done():
	}
	select {
	case <-idle:
	case <-time.After(abandonAfter):
		s.logger.Error("syftevent: stopped without waiting for handlers that ignore their context")
	}
}

func (s *serving) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

// Waits between two looks begin here after a request was found, and double up
// to the poll interval.
const shortestWait = time.Millisecond

// look looks for requests until the server is stopped.
func (s *serving) look() {
	wait := s.poll
	for {
		began := time.Now()
		s.republish()
		s.beginLook()
		found, ok := s.dispatch(s.spool.Scan())
		if !ok {
			return
		}
		if found {
			wait = shortestWait
		} else {
			wait = min(2*wait, s.poll)
		}
		// Looking never takes more than a third of the time.
		select {
		case <-time.After(max(wait, 2*time.Since(began))):
		case <-s.stopping:
			return
		}
	}
}

// dispatch hands requests to the workers. It reports whether there were any,
// and ok unless the server is to stop.
func (s *serving) dispatch(entries []entry) (found, ok bool) {
	for _, e := range entries {
		where, mine := s.whose(e)
		if !mine || !s.take(e) {
			continue
		}
		found = true
		select {
		case s.work <- work{e, where}:
		case <-s.stopping:
			return found, false
		}
	}
	select {
	case <-s.stopping:
		return found, false
	default:
		return found, true
	}
}

// whose locates a request, and leaves those that are nobody's or another
// server's. An endpoint that is not registered here and whose folder is marked
// belongs to another server of the same app. [route-unknown]
func (s *serving) whose(e entry) (location, bool) {
	where, ok := locate(e.Dir, s.router.has)
	if !ok {
		s.leave(e.Dir, "it is in no sender's folder and no endpoint")
		return where, false
	}
	if !s.router.has(where.endpoint) && s.spool.Exists(filepath.Join("."+where.endpoint, keepName)) {
		s.leave(e.Dir, "its endpoint is another server's")
		return where, false
	}
	return where, true
}

// leave logs once for each folder that requests in it are left alone.
func (s *serving) leave(dir, reason string) {
	s.mu.Lock()
	known := s.left[dir]
	s.left[dir] = true
	s.mu.Unlock()
	if !known {
		s.logger.Warn("syftevent: leaving a request alone", "path", filepath.Join(s.dir, dir), "reason", reason)
	}
}

// beginLook forgets what was released before a look. What is released during
// the look may have been answered after its folder was listed: it must not be
// taken for unanswered.
func (s *serving) beginLook() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.inHand, func(_ entry, held bool) bool { return !held })
}

// take reserves a request, unless it is in hand already.
func (s *serving) take(e entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.inHand[e]; known {
		return false
	}
	s.inHand[e] = true
	return true
}

func (s *serving) release(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inHand[e] = false
}
