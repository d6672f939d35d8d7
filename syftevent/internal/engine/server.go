package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

type entry = spool.Entry

// A Server is a running server. One goroutine polls until Stop is called, the dispatcher's
// goroutines process requests, and another one waits for all of them and closes finished.
type Server struct {
	options Options
	logger  *slog.Logger // of Options.Log

	lock    *appLock
	workers *workers    // nil for a server that only locks
	paused  atomic.Bool // set by watchLock: nothing new is begun
	err     error       // why the server stopped by itself, set once; read it after finished is closed

	// The layout on disk; used by prepare and poll.
	published         *Endpoints      // whose layout is complete
	folders           map[string]bool // of endpoints
	layoutAfter       time.Time       // when to try again after a failure
	failedSet         *Endpoints      // whose failure was logged
	customPermissions bool            // custom permissions were logged
	layoutStale       atomic.Bool     // the layout must be published again

	spool          *spool.Spool
	handlers       context.Context // of every handler
	cancelHandlers context.CancelFunc
	stopOnce       sync.Once
	stopping       chan struct{} // closed by Stop
	activity       chan struct{} // holds a token after signalActivity
	finished       chan struct{} // closed when everything has ended
	dispatcher     *dispatcher
	fileSlots      chan struct{} // the slots of useFiles
	replies        *replyCache
	replyLog       *replyLog
	counters       counters

	// Used by poll.
	ignored     map[string]bool // the names that were logged
	ignoredFull bool            // ignored is full, which was logged
	flushed     time.Time       // when Options.Log was last flushed
	scanWait    time.Duration   // between two scans of all directories
	index       folderIndex
}

// New returns a Server that is not started.
func New(options Options) *Server {
	s := &Server{
		options:   options,
		logger:    slog.New(options.Log),
		stopping:  make(chan struct{}),
		activity:  make(chan struct{}, 1),
		finished:  make(chan struct{}),
		fileSlots: make(chan struct{}, options.Concurrency),
		ignored:   map[string]bool{},
		replies:   newReplyCache(options.RepublishDelay),
	}
	limits := limits{atOnce: options.Concurrency, reserve: options.Reserve, bytes: byteBudget(options.MaxSize)}
	s.dispatcher = newDispatcher(limits, s.process, s.ended, s.crashed, s.logger)
	return s
}

// Start takes the app's lock, prepares its folders and starts the goroutines, which end
// with ctx. A server is started once. If Start fails, or starting is canceled, it closes what
// it has opened.
func (s *Server) Start(starting, ctx context.Context) (err error) {
	if err := rootfs.Retry(func() error { return os.MkdirAll(s.options.Dir, 0o755) }); err != nil {
		return fmt.Errorf("syftevent: create folder of app %q: %w", s.options.App, err)
	}
	s.lock = &appLock{dir: filepath.Dir(s.options.Dir), logger: s.logger, shared: s.options.ShareWork, unsupported: s.options.LocalLocks}
	if err := s.lock.acquire(starting); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.lock.release()
		}
	}()
	if err := s.join(starting); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.workers.leave()
		}
	}()
	if err := s.prepare(starting); err != nil {
		return err
	}
	s.replyLog = s.newReplyLog()
	defer func() {
		if err != nil {
			s.replyLog.Close()
		}
	}()
	s.replyLog.restore(s.replies, time.Now())
	// The spool's bounds of nudges are those that SyftBox was measured to need.
	options := spool.Options{
		In: protocol.RequestSuffix, Out: protocol.ResponseSuffix,
		Ignore: protocol.IsMarker, Wanted: s.wanted, Owner: s.owner, Own: s.own, Complete: wire.Complete, Valid: wire.IsObject,
		Orphan: protocol.OrphanOf, OrphanDelay: s.options.OrphanDelay, Marker: protocol.KeepName, TempPrefix: protocol.ServeTempPrefix,
		KeepTemp: s.workers.ownsTemp,
		MaxSize:  s.options.MaxSize, Settle: s.options.Settle, SettleRemote: s.options.SettleRemote, FullScanShare: s.options.IdleShare * (1 - statShare), NudgeInterval: s.options.NudgeInterval, Durable: s.options.Durable,
		Logger: s.logger,
	}
	err = rootfs.Retry(func() error {
		s.spool, err = spool.Open(s.options.Dir, options)
		return err
	})
	if err != nil {
		return fmt.Errorf("syftevent: start app %q: %w", s.options.App, err)
	}
	// Handlers keep the values of ctx, but not its cancellation: when the server is
	// stopped, requests in flight are finished first.
	s.handlers, s.cancelHandlers = context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, s.Stop)

	if s.options.Watcher != nil {
		if err := s.options.Watcher.Start(s.handlers, s.paused.Load); err != nil {
			return errors.Join(fmt.Errorf("syftevent: start app %q: watch files: %w", s.options.App, err), s.spool.Close())
		}
	}
	sharesWork := s.workers != nil && s.workers.shared
	if s.options.Cleanup != nil && !sharesWork {
		if err := s.options.Cleanup.Start(s.handlers); err != nil {
			if s.options.Watcher != nil {
				s.options.Watcher.Close()
			}
			return errors.Join(err, s.spool.Close())
		}
	}
	s.logger.Info("syftevent: server started", "app", s.options.App, "path", s.options.Dir, "datasite", s.options.Email, "endpoints", s.options.Endpoints().Routes)
	var background sync.WaitGroup
	if !sharesWork { // otherwise the leader does
		background.Go(func() { s.spool.Mend(s.handlers) })
	}
	s.workers.begin()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watchLock()
	}()
	go func() {
		s.poll()
		<-watched
		forget()
		s.workers.resign()
		if s.options.Cleanup != nil {
			s.options.Cleanup.Stop()
		}
		s.drainHandlers()
		if s.options.Watcher != nil {
			s.options.Watcher.Close()
		}
		background.Wait()
		s.spool.Close()
		s.replyLog.Close()
		s.workers.leave()
		s.lock.release()
		s.options.Log.Flush(time.Now(), true)
		s.logger.Info("syftevent: server stopped", "app", s.options.App)
		close(s.finished)
	}()
	return nil
}

// abandonAfter is how long a handler may run after its context was canceled. One that
// ignores the cancellation must not keep the program from ending.
const abandonAfter = time.Second

// stopHandlers starts no more handlers. It returns a channel that is closed when none runs.
func (s *Server) stopHandlers() <-chan struct{} {
	idle := s.dispatcher.stop()
	if s.options.Watcher == nil {
		return idle
	}
	watcherIdle, all := s.options.Watcher.Stop(), make(chan struct{})
	go func() {
		<-idle
		<-watcherIdle
		close(all)
	}()
	return all
}

// drainHandlers waits for the handlers in flight, cancels them after the drain timeout, and gives
// up on those that ignore that.
func (s *Server) drainHandlers() {
	idle := s.stopHandlers()
	overdue := time.AfterFunc(s.options.DrainTimeout, s.cancelHandlers)
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
		s.logger.Error("syftevent: stopped with handlers still running", "app", s.options.App, "reason", "they ignored their canceled context")
	}
}

// Stop stops the server: no handler is started any more. It does not wait.
func (s *Server) Stop() { s.stopWith(nil) }

// stopWith is Stop with the reason that Err returns.
func (s *Server) stopWith(err error) {
	s.stopOnce.Do(func() {
		s.err = err
		close(s.stopping)
	})
}

// CancelHandlers cancels the contexts of all handlers of a server that was started.
func (s *Server) CancelHandlers() { s.cancelHandlers() }

// Finished returns a channel that is closed when a server that was started has stopped.
func (s *Server) Finished() <-chan struct{} { return s.finished }

// Err returns why the server stopped by itself, or nil. It must not be called before
// Finished is closed.
func (s *Server) Err() error { return s.err }
