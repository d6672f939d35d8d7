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

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

type entry = spool.Entry

// serving is a server that runs. Of the goroutines that start begins, the one
// that looks for requests ends with stop, those that answer them when they have,
// and the one that waits for all closes finished.
type serving struct {
	app, email string
	dir        string // the app's "rpc" folder
	router     *Router
	onRefuse   func(context.Context, Refusal) // nil for none
	logger     *slog.Logger                   // of limiter
	limiter    *logLimiter

	poll, drain, nudge  time.Duration
	handlerTimeout      time.Duration // 0 for none
	settle, settleThere time.Duration // here, and on file systems that are not believed
	orphanDelay         time.Duration
	maxSize             int64
	durable             bool
	debug, trace        bool
	anyName             bool
	cleanup             *PeriodicCleanup // nil for none

	lock *appLock
	// Set by holdLock: nothing new is begun, and why the server has stopped by itself,
	// to be read when finished is closed.
	paused atomic.Bool
	err    error

	// What is published; used by start and look.
	published  *table          // the routes of which all is there
	folders    map[string]bool // of endpoints
	notBefore  time.Time       // when to try again after a failure
	missing    *table          // the routes of which a failure was logged
	custom     bool            // the permissions are somebody else's, which was logged
	unprepared atomic.Bool     // something is to be published again

	spool          *spool.Spool
	handlers       context.Context // of every handler
	cancelHandlers context.CancelFunc
	stopOnce       sync.Once
	stopping       chan struct{} // closed by stop
	activity       chan struct{} // holds one token when there was some
	finished       chan struct{} // closed when all has ended
	dispatcher     *dispatcher
	files          chan struct{} // as useFiles says
	memory         *memory
	replies        *replyLog
	left           map[string]bool // what is left alone, and was logged; used by look
	leftMore       bool            // left is full, which was logged; used by look
	flushed        time.Time       // when what the log left out was logged; used by look
	lookWait       time.Duration   // between two looks at all folders; used by look
	wantedIn       *table          // the routes for which wantedAs is right; used by look
	wantedAs       map[string]bool // by endpoint
	ownFolders     map[string]bool // of wantedIn, and those that lead there
	counters       counters
}

// rpcDir is the folder below which an app's requests arrive.
func rpcDir(client *Client, app string) string {
	return filepath.Join(client.AppData(app), "rpc")
}

// start takes the app, prepares its folders and starts the goroutines, which end
// with ctx. What it has opened it closes if it fails, as it does when starting is
// cancelled.
func (s *serving) start(starting, ctx context.Context) (err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("syftevent: making the folder of app %q: %w", s.app, err)
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
	s.replies = &replyLog{dir: filepath.Dir(s.dir), logger: s.logger}
	defer func() {
		if err != nil {
			s.replies.Close()
		}
	}()
	s.replies.restore(s.memory, time.Now())
	s.spool, err = spool.Open(s.dir, spool.Options{
		In: requestSuffix, Out: responseSuffix,
		Ignore: isMarker, Wanted: s.wanted, Owner: s.owner, Own: s.own, Complete: wire.Complete, Answer: wire.IsObject,
		Orphan: orphanOf, OrphanDelay: s.orphanDelay, Marker: keepName,
		MaxSize: s.maxSize, Settle: s.settle, SettleRemote: s.settleThere, NudgeInterval: s.nudge, Durable: s.durable,
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
	s.logger.Info("syftevent: serving", "app", s.app, "path", s.dir, "as", s.email, "endpoints", len(s.router.load().routes))
	mended := make(chan struct{})
	go func() {
		defer close(mended)
		s.spool.Mend(s.handlers)
	}()
	held := make(chan struct{})
	go func() {
		defer close(held)
		s.holdLock()
	}()
	go func() {
		s.look()
		<-held
		forget()
		if s.cleanup != nil {
			s.cleanup.Stop()
		}
		s.drainHandlers()
		<-mended
		s.spool.Close()
		s.replies.Close()
		s.lock.release()
		s.limiter.flush(time.Now(), true)
		s.logger.Info("syftevent: stopped", "app", s.app)
		close(s.finished)
	}()
	return nil
}

// abandonAfter is how long a handler may go on after its context was cancelled.
// One that ignores the cancellation must not keep the program from ending.
const abandonAfter = time.Second

// drainHandlers waits for the handlers that run, cancels them when the drain
// timeout is over, and gives up on those that do not heed that.
func (s *serving) drainHandlers() {
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
		s.logger.Error("syftevent: stopped without waiting for handlers that ignore their context")
	}
}

func (s *serving) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }
