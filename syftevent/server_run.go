package syftevent

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

	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

type entry = spool.Entry

// A runningServer is a [Server] after Start. One goroutine polls until stop is called,
// the dispatcher's goroutines process requests, and another one waits for all of them
// and closes finished.
type runningServer struct {
	app, email string
	dir        string                         // the app's "rpc" directory
	router     *Router                        // handles requests
	onRefuse   func(context.Context, Refusal) // nil for none
	endpoints  func() *endpointSet            // the current one
	logger     *slog.Logger                   // of limiter
	limiter    *loglimit.Handler

	pollInterval, drain, nudge time.Duration
	handlerTimeout             time.Duration // 0 for none
	settle, settleRemote       time.Duration // where mtimes are trusted, and elsewhere
	orphanDelay                time.Duration
	maxSize                    int64
	durable                    bool
	debug, trace               bool
	cleanup                    *PeriodicCleanup // nil for none

	lock   *appLock
	paused atomic.Bool // set by watchLock: nothing new is begun
	err    error       // why the server stopped by itself; read it after finished is closed

	// The layout on disk; used by prepare and poll.
	published         *endpointSet    // whose layout is complete
	folders           map[string]bool // of endpoints
	layoutAfter       time.Time       // when to try again after a failure
	failedSet         *endpointSet    // whose failure was logged
	customPermissions bool            // custom permissions were logged
	layoutStale       atomic.Bool     // the layout must be published again

	spool          *spool.Spool
	handlers       context.Context // of every handler
	cancelHandlers context.CancelFunc
	stopOnce       sync.Once
	stopping       chan struct{} // closed by stop
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
	flushed     time.Time       // when limiter was last flushed
	scanWait    time.Duration   // between two scans of all directories
	index       folderIndex
}

// rpcDir is the directory below which an app's requests arrive.
func rpcDir(client *Client, app string) string {
	return filepath.Join(client.AppData(app), "rpc")
}

// start takes the app's lock, prepares its folders and starts the goroutines, which end
// with ctx. If it fails, or starting is cancelled, it closes what it has opened.
func (s *runningServer) start(starting, ctx context.Context) (err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("syftevent: create folder of app %q: %w", s.app, err)
	}
	s.lock = &appLock{dir: filepath.Dir(s.dir), logger: s.logger}
	if err := s.lock.acquire(starting); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.lock.release()
		}
	}()
	if err := s.prepare(starting); err != nil {
		return err
	}
	s.replyLog = &replyLog{dir: filepath.Dir(s.dir), logger: s.logger}
	defer func() {
		if err != nil {
			s.replyLog.Close()
		}
	}()
	s.replyLog.restore(s.replies, time.Now())
	s.spool, err = spool.Open(s.dir, spool.Options{
		In: protocol.RequestSuffix, Out: protocol.ResponseSuffix,
		Ignore: protocol.IsMarker, Wanted: s.wanted, Owner: s.owner, Own: s.own, Complete: wire.Complete, Answer: wire.IsObject,
		Orphan: protocol.OrphanOf, OrphanDelay: s.orphanDelay, Marker: protocol.KeepName,
		MaxSize: s.maxSize, Settle: s.settle, SettleRemote: s.settleRemote, NudgeInterval: s.nudge, Durable: s.durable,
		Logger: s.logger,
	})
	if err != nil {
		return fmt.Errorf("syftevent: start app %q: %w", s.app, err)
	}
	// Handlers keep the values of ctx, but not its cancellation: when the server is
	// stopped, requests in flight are finished first.
	s.handlers, s.cancelHandlers = context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, s.stop)

	if s.cleanup != nil {
		if err := s.cleanup.Start(s.handlers); err != nil {
			return errors.Join(err, s.spool.Close())
		}
	}
	s.logger.Info("syftevent: server started", "app", s.app, "path", s.dir, "datasite", s.email, "endpoints", s.endpoints().routes)
	var background sync.WaitGroup
	background.Go(func() { s.spool.Mend(s.handlers) })
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watchLock()
	}()
	go func() {
		s.poll()
		<-watched
		forget()
		if s.cleanup != nil {
			s.cleanup.Stop()
		}
		s.drainHandlers()
		background.Wait()
		s.spool.Close()
		s.replyLog.Close()
		s.lock.release()
		s.limiter.Flush(time.Now(), true)
		s.logger.Info("syftevent: server stopped", "app", s.app)
		close(s.finished)
	}()
	return nil
}

// abandonAfter is how long a handler may run after its context was cancelled. One that
// ignores the cancellation must not keep the program from ending.
const abandonAfter = time.Second

// drainHandlers waits for the requests in flight, cancels their handlers after the drain
// timeout, and gives up on those that ignore that.
func (s *runningServer) drainHandlers() {
	idle := s.dispatcher.stop()
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
		s.logger.Error("syftevent: stopped with handlers still running", "app", s.app, "reason", "they ignored their cancelled context")
	}
}

func (s *runningServer) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }
