package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
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
	logger     *slog.Logger

	poll, drain, nudge  time.Duration
	settle, settleThere time.Duration // here, and on file systems that are not believed
	maxSize             int64
	durable             bool
	debug, trace        bool
	anyName             bool
	cleanup             *PeriodicCleanup // nil for none

	lock           *os.File        // nil where files cannot be locked
	published      *table          // the routes whose folders and schema are there
	folders        map[string]bool // theirs
	notBefore      time.Time       // when they may be published again after a failure
	spool          *spool.Spool
	handlers       context.Context // of every handler
	cancelHandlers context.CancelFunc
	stopOnce       sync.Once
	stopping       chan struct{} // closed by stop
	activity       chan struct{} // holds one token when there was some
	finished       chan struct{} // closed when all has ended
	dispatcher     *dispatcher
	memory         *memory
	left           map[string]bool // what is left alone, and was logged; used by look
	lookWait       time.Duration   // between two looks at all folders; used by look
	wantedIn       *table          // the routes for which wantedAs is right; used by look
	wantedAs       map[string]bool // by endpoint
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
	if s.lock, err = lockApp(starting, filepath.Join(filepath.Dir(s.dir), lockName), s.logger); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.unlock()
		}
	}()
	if err := s.prepare(starting); err != nil {
		return err
	}
	s.spool, err = spool.Open(s.dir, spool.Options{
		In: requestSuffix, Out: responseSuffix,
		Ignore: isMarker, Wanted: s.wanted, Complete: wire.Complete,
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
	s.logger.Info("syftevent: serving", "app", s.app, "path", s.dir, "as", s.email, "endpoints", len(s.published.routes))
	emptied := make(chan struct{})
	go func() {
		defer close(emptied)
		if err := s.spool.RemoveEmpty(s.handlers); err != nil && s.handlers.Err() == nil {
			s.logger.Warn("syftevent: not all responses could be looked at for empty ones", "err", err)
		}
	}()
	go func() {
		s.look()
		forget()
		if s.cleanup != nil {
			s.cleanup.Stop()
		}
		s.drainHandlers()
		<-emptied
		s.spool.Close()
		s.unlock()
		s.logger.Info("syftevent: stopped", "app", s.app)
		close(s.finished)
	}()
	return nil
}

// prepare brings the app's folder into the state in which requests may arrive.
func (s *serving) prepare(starting context.Context) error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("syftevent: opening the folder of app %q: %w", s.app, err)
	}
	defer root.Close()
	if err := s.tidy(starting, root); err != nil {
		return err
	}
	if err := s.writePermissions(root); err != nil {
		return err
	}
	routes := s.router.load()
	if err := s.checkRoutes(routes); err != nil {
		return err
	}
	return s.publishRoutes(root, routes)
}

// republishAfter is how long it takes until routes are published again after
// that has failed.
const republishAfter = 10 * time.Second

// republish follows routes that were registered while the server runs.
func (s *serving) republish() {
	now := s.router.load()
	if now == s.published || time.Now().Before(s.notBefore) {
		return
	}
	root, err := os.OpenRoot(s.dir)
	if err == nil {
		err = errors.Join(s.publishRoutes(root, now), root.Close())
	}
	if err != nil {
		s.notBefore = time.Now().Add(republishAfter)
		s.logger.Error("syftevent: the routes that were added are not published, will be tried again", "err", err)
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
