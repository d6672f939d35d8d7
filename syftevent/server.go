package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// A Server answers the requests that arrive in the folder of one app. Its
// fields must not be changed after the server was started. Of durations and
// sizes 0 is the default, and negative is off.
//
// No sender keeps another one out, however many requests it sends, how large they are
// and how long their handlers take, within the bounds that Concurrency, Reserve and
// MaxRequestSize state. A server holds a lock on its app, a file .syftkeep in the app's
// folder, and makes sure of it each second: when that is gone, nothing new is begun
// until it is taken again, and when another server has it, this one stops, as Err says.
// A request that three processes have begun, and none has answered or left because it
// was told to stop, is answered 500 without being run: it may have killed them.
type Server struct {
	// AppName is the name of the app, one folder's name. It must be set.
	AppName string
	// Client says where the datasite is; nil for LoadClient("").
	Client *Client
	// Router has the endpoints; nil for one without any.
	Router *Router
	// PollInterval is the time between two scans for requests while nothing
	// happens. Defaults to 100 ms. After a request its folder is scanned more
	// often: at first every 200 µs, then after 1/64 of the time since the request,
	// and for five minutes 25 times in a PollInterval. With very many folders a scan
	// takes long, and the server waits longer, up to 2 s, or 30 s on network file
	// systems: [Stats] shows it.
	PollInterval time.Duration
	// SettleTime is how long a request that is not complete must have stayed
	// the same before it is answered 400; default 2 s, or 30 s on file systems
	// that may show it late, such as network shares; negative for at once.
	// [read-settle]
	SettleTime time.Duration
	// MaxRequestSize is the size of a request file, in bytes, above which it is
	// answered 413. Defaults to 16 MiB; negative is no limit. A body is a third larger
	// in the file than it is. SyftBox carries up to 3 MB at once, and its gateway takes
	// bodies of 4 MiB; more only travels with its full synchronization, 8 MB in 9 s.
	//
	// Requests above 16 KiB hold twice their size of a budget of 64 MiB, or of twice
	// MaxRequestSize if that is more, from when they are read until they are answered;
	// what does not fit waits for its turn, first come, first served. One sender has at
	// most half of the budget, or one request. Handlers of large requests that take long
	// keep other large ones waiting; HandlerTimeout bounds that. [Stats] shows the budget.
	// What handlers make, such as their responses, is not counted: with the defaults, and
	// handlers that hold nothing, a server takes less than 256 MiB of memory whatever
	// files it gets, and 0.8 kB more for each file of a folder beyond the first 100,000.
	MaxRequestSize int64
	// Concurrency is how many handlers run at once. Defaults to 64. Senders take turns,
	// and none has more than half of it, or one. Beyond it, see Reserve.
	Concurrency int
	// Reserve is how many more handlers may run for senders that have none running, when
	// Concurrency run. Defaults to 1,024; negative is none, which makes Concurrency a
	// hard limit, for handlers that each take much memory or time of the processor.
	// So a request of up to 16 KiB of a sender with no other is begun at once, whatever
	// 1,000 other senders with slow handlers do.
	Reserve int
	// HandlerTimeout is how long a handler may take. Then its context is cancelled, with
	// context.DeadlineExceeded as its cause, and its request is answered 504, even if the
	// handler does not return; it then keeps its place, which counts for Concurrency or
	// Reserve, until it does. Defaults to no limit.
	HandlerTimeout time.Duration
	// DrainTimeout is how long handlers may go on when the server is stopped,
	// before their contexts are cancelled; default 10 s, negative for not at
	// all.
	DrainTimeout time.Duration
	// Durable makes each response reach the disk, by fsync of the file and of its
	// folder, before it counts as published: it then survives a loss of power.
	// That takes a few times as long. The record of what was answered is not synced:
	// after a loss of power a request whose response SyftBox deletes may run again.
	Durable bool
	// NudgeInterval is the time between two nudges, the modifications that make
	// SyftBox upload a response at once and not with its next full
	// synchronisation; default 5 ms, negative for none. [publish-nudge]
	NudgeInterval time.Duration
	// RepublishDelay is how long a request must have stood without its response,
	// after it was answered, before the same response is published again, as
	// SyftBox sometimes deletes one; default 12 s, two of SyftBox's cycles,
	// negative for never. A response is published again three times at most.
	// [publish-again]
	RepublishDelay time.Duration
	// OrphanDelay is how long a response must have stood without its request before
	// it is removed, as must what SyftBox renamed because of a conflict; default 2
	// minutes, which is 24 of SyftBox's cycles, negative for never. Its client has
	// fetched the response, or has given up. [publish-orphans]
	OrphanDelay time.Duration
	// CleanupExpiry is how old requests and responses become before they are
	// removed, as [PeriodicCleanup] says; default 30 days, negative for never.
	CleanupExpiry time.Duration
	// CleanupInterval is the time between two cleanups, of which the first is
	// at the start; default a day, negative for none.
	CleanupInterval time.Duration
	// DebugMode makes the answer to a failed handler tell how it failed.
	DebugMode bool
	// AllowAnyName lets endpoints have names that SyftBox never delivers to, such
	// as "logs" or "dist". Without it a server with such an endpoint does not
	// start. It is for servers that do not run under SyftBox.
	AllowAnyName bool
	// Logger receives the server's log output. Defaults to slog.Default(). Whatever
	// senders do, that is bounded: each message has 30 lines a minute, then one that
	// counts the others, and of each value 512 bytes are logged, of a stack 4,096. This
	// is so for failed handlers, too; [AuditLog] logs each request. With the
	// environment variable SYFTEVENT_DEBUG set to 1 each scan is logged.
	Logger *slog.Logger

	// OnRefuse is called for each request that the server refuses before it reaches
	// the router: a malformed envelope, a forged sender, an expired request, a file
	// above MaxRequestSize. [LogRefusals] is one. It may be called concurrently, and
	// counts as a handler while it runs. Requests with a valid envelope, also those
	// with 404 and 405, pass through the middleware of [Router.Use] instead.
	OnRefuse func(ctx context.Context, refusal Refusal)

	mu          sync.Mutex
	closed      bool // Shutdown was called
	started     bool
	cancelStart context.CancelCauseFunc // while it starts
	startEnded  chan struct{}           // closed when it has, one way or the other
	running     *serving                // nil until it is ready
	ready, done chan struct{}
}

// Defaults of [Server].
const (
	DefaultPollInterval     = 100 * time.Millisecond
	DefaultSettleTime       = 2 * time.Second
	DefaultRemoteSettleTime = 30 * time.Second // on network file systems
	DefaultMaxRequestSize   = 16 << 20
	DefaultConcurrency      = 64
	DefaultReserve          = 1024
	DefaultDrainTimeout     = 10 * time.Second
	DefaultNudgeInterval    = 5 * time.Millisecond
	DefaultRepublishDelay   = 12 * time.Second
	DefaultOrphanDelay      = 2 * time.Minute
)

var (
	// ErrServerStarted is returned when a server is started a second time.
	ErrServerStarted = errors.New("syftevent: the server was started before")
	// ErrServerClosed is returned by [Server.Start] if [Server.Shutdown] was called
	// before it or while it ran.
	ErrServerClosed = errors.New("syftevent: server closed before it was ready")
)

// Run serves until ctx is cancelled or [Server.Shutdown] is called, and returns
// nil when the work in hand is done. It returns nil at once if Shutdown was called
// before. The error is what kept the server from
// starting, or what Err returns.
func (s *Server) Run(ctx context.Context) error {
	err := s.Start(ctx)
	if errors.Is(err, ErrServerClosed) || err != nil && errors.Is(err, ctx.Err()) {
		return nil // stopped before there was any work
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	<-running.finished
	return running.err
}

// Start starts the server and returns when it is ready: its folders are there
// and a request that arrives will be answered. The server runs until ctx is
// cancelled or [Server.Shutdown] is called. A server runs once; one that failed
// to start may be started again. If another server serves the app, Start waits
// ten seconds for it to end; the error is then [ErrAppServed].
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	switch {
	case s.started:
		s.mu.Unlock()
		return ErrServerStarted
	case s.closed:
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.started = true
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.cancelStart, s.startEnded = cancel, make(chan struct{})
	s.mu.Unlock()

	serving, err := s.newServing()
	if err == nil {
		err = serving.start(starting, ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.startEnded)
	s.cancelStart = nil
	if err != nil {
		s.started = false
		return err
	}
	s.running = serving
	close(s.readyLocked())
	done := s.doneLocked()
	go func() { // ends with the server
		<-serving.finished
		close(done)
	}()
	return nil
}

// Ready returns a channel that is closed when the server is ready.
func (s *Server) Ready() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readyLocked()
}

func (s *Server) readyLocked() chan struct{} {
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	return s.ready
}

// Done returns a channel that is closed when a server that was ready has stopped.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doneLocked()
}

func (s *Server) doneLocked() chan struct{} {
	if s.done == nil {
		s.done = make(chan struct{})
	}
	return s.done
}

// Err returns why the server has stopped by itself: an error that wraps [ErrAppServed]
// if its lock was removed and another server has taken the app. It is nil while the
// server runs, and when it was told to stop.
func (s *Server) Err() error {
	s.mu.Lock()
	serving := s.running
	s.mu.Unlock()
	if serving == nil {
		return nil
	}
	select {
	case <-serving.finished:
		return serving.err
	default:
		return nil
	}
}

// Shutdown stops the server: no handler is started any more, and those that run
// have [Server.DrainTimeout], or until ctx is done if that is sooner, before
// their contexts are cancelled. It returns when the server has stopped; the
// error is ctx's if handlers had to be cancelled because of it, or that of Err. A server that
// starts at the time ends without being ready, and one that is not started yet never
// starts. Shutdown may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	if s.cancelStart != nil {
		s.cancelStart(ErrServerClosed)
		ended := s.startEnded
		s.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
	}
	serving := s.running
	s.mu.Unlock()
	if serving == nil {
		return nil
	}
	serving.stop()
	select {
	case <-serving.finished:
		return serving.err
	case <-ctx.Done():
		serving.cancelHandlers()
		<-serving.finished
		return ctx.Err()
	}
}

// CleanupRunning reports whether the server cleans up regularly: it runs, and
// neither CleanupExpiry nor CleanupInterval is negative.
func (s *Server) CleanupRunning() bool {
	cleanup := s.cleanup()
	return cleanup != nil && cleanup.Running()
}

func (s *Server) cleanup() *PeriodicCleanup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	return s.running.cleanup
}

// newServing checks the fields and fills in the defaults.
func (s *Server) newServing() (*serving, error) {
	if err := checkAppName(s.AppName); err != nil {
		return nil, err
	}
	client, err := orLoad(s.Client)
	if err != nil {
		return nil, fmt.Errorf("syftevent: starting app %q: %w", s.AppName, err)
	}
	if err := checkDeliverable(s.AppName); err != nil && !s.AllowAnyName {
		return nil, fmt.Errorf("syftevent: app %q: %w", s.AppName, err)
	}
	router := s.Router
	if router == nil {
		router = NewRouter()
	}
	limiter := newLogLimiter(orDefaultLogger(s.Logger).Handler())
	logger := slog.New(limiter)
	var cleanup *PeriodicCleanup
	if s.CleanupExpiry >= 0 && s.CleanupInterval >= 0 {
		cleanup = &PeriodicCleanup{
			AppName: s.AppName, Client: client,
			Interval: s.CleanupInterval, Expiry: s.CleanupExpiry, Logger: logger, maxSize: s.MaxRequestSize,
			isEndpoint: func(dir string) bool {
				return slices.Contains(router.load().folders(), cleanEndpoint(dir))
			},
		}
	}
	serving := &serving{
		cleanup:        cleanup,
		app:            s.AppName,
		email:          client.Email,
		dir:            rpcDir(client, s.AppName),
		router:         router,
		logger:         logger,
		limiter:        limiter,
		poll:           orDefault(s.PollInterval, DefaultPollInterval, 0),
		settle:         orDefault(s.SettleTime, DefaultSettleTime, 0),
		settleThere:    orDefault(s.SettleTime, DefaultRemoteSettleTime, 0),
		maxSize:        orDefault(s.MaxRequestSize, DefaultMaxRequestSize, unlimited),
		handlerTimeout: s.HandlerTimeout,
		drain:          orDefault(s.DrainTimeout, DefaultDrainTimeout, 0),
		nudge:          orDefault(s.NudgeInterval, DefaultNudgeInterval, -1),
		orphanDelay:    orDefault(s.OrphanDelay, DefaultOrphanDelay, -1),
		durable:        s.Durable,
		onRefuse:       s.OnRefuse,
		debug:          s.DebugMode,
		trace:          os.Getenv(debugVariable) == "1",
		anyName:        s.AllowAnyName,
		stopping:       make(chan struct{}),
		activity:       make(chan struct{}, 1),
		finished:       make(chan struct{}),
		left:           map[string]bool{},
		memory:         newMemory(orDefault(s.RepublishDelay, DefaultRepublishDelay, -1)),
	}
	limits := limits{
		atOnce:  orDefault(s.Concurrency, DefaultConcurrency, 1),
		reserve: orDefault(s.Reserve, DefaultReserve, 0),
		bytes:   byteBudget(serving.maxSize),
	}
	serving.files = make(chan struct{}, limits.atOnce)
	serving.dispatcher = newDispatcher(limits, serving.answer, serving.returned, serving.crashed, logger)
	return serving, nil
}

func orDefaultLogger(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}

// unlimited is a size that no file has.
const unlimited = 1 << 62

// orDefault gives a field its meaning: 0 is the default, negative is off.
func orDefault[T time.Duration | int64 | int](value, byDefault, off T) T {
	switch {
	case value == 0:
		return byDefault
	case value < 0:
		return off
	}
	return value
}
