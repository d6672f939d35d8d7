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

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A Server answers the requests that arrive in the folder of one app. Its fields must not
// be changed after it was started. For durations and sizes, 0 means the default and a
// negative value disables the feature or limit.
//
// No sender can keep another one from being served, however many or large its requests are
// and however long their handlers take, within the limits of Concurrency, Reserve and
// MaxRequestSize.
//
// A server holds a lock on its app, the file .syftkeep in the app's folder, and checks it
// every second. If the lock is lost, nothing new is begun until it is reacquired. If another
// server has taken it, this one stops; see [Server.Err].
//
// A request that three processes have begun and not answered may have killed them. It is
// answered 500 without being run. A process that left it because it was told to stop does
// not count.
type Server struct {
	// AppName is the name of the app, a single folder name. It is required.
	AppName string
	// Client has the location of the datasite. Defaults to LoadClient("").
	Client *Client
	// Router handles the requests. Defaults to a router without routes.
	Router *Router
	// PollInterval is the time between two scans for requests while nothing happens.
	// Defaults to 100 ms. After a request its folder is scanned more often: for a second every
	// 200 µs at first, then after 1/64 of the time since the request; and for five minutes
	// after 1/2048 of that time, at most 25 times per PollInterval. With very many folders a
	// scan takes long, and the server waits longer, up to 2 s, or 30 s on network file systems:
	// see [Stats].
	PollInterval time.Duration
	// SettleTime is how long an incomplete request must stay unchanged before it is answered
	// 400. Defaults to 2 s, or 30 s on file systems that may show changes late, such as
	// network shares. Negative means at once. [read-settle]
	SettleTime time.Duration
	// MaxRequestSize is the largest size of a request file, in bytes. A larger request is
	// answered 413. Defaults to 16 MiB. Negative means no limit. In the file a body is a
	// third larger than it is. SyftBox transfers files of up to 3 MB at once, and its
	// gateway accepts bodies of 4 MiB; larger files travel only with its full
	// synchronization, 8 MB in 9 s.
	//
	// Requests above 16 KiB hold twice their size of a budget of 64 MiB, or of twice
	// MaxRequestSize if that is more, from when they are read until they are answered.
	// Requests that do not fit wait, first come, first served. One sender has at most half
	// of the budget, or one request. Slow handlers of large requests keep other large ones
	// waiting; HandlerTimeout bounds that. [Stats] shows the budget.
	// What handlers make, such as their responses, is not counted. With the defaults, and
	// handlers that hold nothing, a server is tested to stay below 256 MiB of resident
	// memory: 157 MiB were measured with a folder of 300,000 files with names of 255
	// bytes. A folder of more than 131,072 files is listed in parts.
	MaxRequestSize int64
	// Concurrency is how many handlers run at once. Defaults to 64. Senders take turns, and
	// one sender has at most half of it, or one handler. See Reserve for more.
	Concurrency int
	// Reserve is how many handlers may run beyond Concurrency, each the only one of its
	// sender. Defaults to 1,024. Negative means none: Concurrency is then a hard limit, for
	// handlers that each need much memory or CPU time. With the reserve, a request of up to
	// 16 KiB from a sender with no other request is begun at once, even if 1,000 other senders
	// have slow handlers.
	Reserve int
	// HandlerTimeout limits how long a handler may take. Then its context is cancelled, with
	// context.DeadlineExceeded as its cause, and its request is answered 504. A handler that
	// does not return still counts for Concurrency or Reserve until it does. Defaults to no
	// limit.
	HandlerTimeout time.Duration
	// DrainTimeout is how long handlers may keep running when the server is stopped, before
	// their contexts are cancelled. Defaults to 10 s. Negative cancels them at once.
	DrainTimeout time.Duration
	// Durable syncs each response file and its folder to the disk before the response counts
	// as published, so that it survives a power loss. Publishing then takes a few times as
	// long. The record of answered requests is not synced: after a power loss, a request whose
	// response SyftBox deletes may run again.
	Durable bool
	// NudgeInterval is the time between two nudges. A nudge is a second write to a response,
	// which makes SyftBox upload it at once instead of with its next full synchronization.
	// Defaults to 5 ms. Negative disables nudges. [publish-nudge]
	NudgeInterval time.Duration
	// RepublishDelay is how long the response to a pending request must be missing before it
	// is published again: SyftBox sometimes deletes one. A response is republished three times
	// at most. Defaults to 12 s, two of SyftBox's cycles. Negative disables it.
	// [publish-again]
	RepublishDelay time.Duration
	// OrphanDelay is how long a response must have no request before it is removed, and a file
	// that SyftBox renamed because of a conflict likewise: the client has fetched the response,
	// or has given up. Defaults to 2 minutes, 24 of SyftBox's cycles. Negative disables it.
	// [publish-orphans]
	OrphanDelay time.Duration
	// CleanupExpiry is the age at which [PeriodicCleanup] removes requests and responses.
	// Defaults to 30 days. Negative disables the cleanup.
	CleanupExpiry time.Duration
	// CleanupInterval is the time between two cleanups; the first one runs at the start.
	// Defaults to a day. Negative disables the cleanup.
	CleanupInterval time.Duration
	// DebugMode puts the reason into the response when a handler fails.
	DebugMode bool
	// AllowAnyName permits endpoints with names that SyftBox never delivers to, such as "logs"
	// or "dist", for servers that do not run under SyftBox. Without it such a server does not
	// start.
	AllowAnyName bool
	// Logger receives the server's log output. Defaults to slog.Default(). The output is
	// limited, whatever senders do: 30 lines per message and minute, then one that counts the
	// rest; 512 bytes per value, and 4,096 per stack. [AuditLog] logs each request. If the
	// environment variable SYFTEVENT_DEBUG is 1, each scan is logged.
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
	cancelStart context.CancelCauseFunc // nil unless Start is under way
	startEnded  chan struct{}           // closed when Start returns
	running     *engine.Server          // nil until it is ready
	cleaner     *PeriodicCleanup        // of running; nil for none
	ready, done chan struct{}
}

var (
	// ErrAppServed is returned when another server serves the app.
	ErrAppServed = engine.ErrAppServed
	// ErrServerStarted is returned when a server is started a second time.
	ErrServerStarted = errors.New("syftevent: server already started")
	// ErrServerClosed is returned by [Server.Start] if [Server.Shutdown] was called before it
	// or during startup.
	ErrServerClosed = errors.New("syftevent: server closed before it was ready")
)

// Run serves until ctx is cancelled or [Server.Shutdown] is called, and returns nil when the
// requests in flight are done. It returns nil at once if Shutdown was called before. It
// returns an error if the server cannot start, or stops by itself; see [Server.Err].
func (s *Server) Run(ctx context.Context) error {
	err := s.Start(ctx)
	if errors.Is(err, ErrServerClosed) || err != nil && errors.Is(err, ctx.Err()) {
		return nil // stopped before it was ready
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	<-running.Finished()
	return running.Err()
}

// Start starts the server and returns when it is ready: its folders exist, and requests that
// arrive will be answered. The server runs until ctx is cancelled or [Server.Shutdown] is
// called. A server runs once; one that failed to start may be started again. If another
// server serves the app, Start waits ten seconds for it to stop, and then returns
// [ErrAppServed].
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

	options, cleaner, err := s.engineOptions()
	var running *engine.Server
	if err == nil {
		running = engine.New(options)
		err = running.Start(starting, ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.startEnded)
	s.cancelStart = nil
	if err != nil {
		s.started = false
		return err
	}
	s.running, s.cleaner = running, cleaner
	close(s.readyLocked())
	done := s.doneLocked()
	go func() { // ends with the server
		<-running.Finished()
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

// Err returns why the server stopped by itself: an error that wraps [ErrAppServed] if it lost
// its lock to another server. It returns nil while the server runs, and after it was told
// to stop.
func (s *Server) Err() error {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running == nil {
		return nil
	}
	select {
	case <-running.Finished():
		return running.Err()
	default:
		return nil
	}
}

// Shutdown stops the server: no handler is started any more, and those that run have
// [Server.DrainTimeout], or until ctx is done if that is sooner, before their contexts are
// cancelled. Shutdown returns when the server has stopped: ctx's error if ctx ended first,
// otherwise that of [Server.Err]. A server that is starting ends without becoming ready, and
// one that is not started yet never starts. Shutdown may be called more than once.
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
	running := s.running
	s.mu.Unlock()
	if running == nil {
		return nil
	}
	running.Stop()
	select {
	case <-running.Finished():
		return running.Err()
	case <-ctx.Done():
		running.CancelHandlers()
		<-running.Finished()
		return ctx.Err()
	}
}

// CleanupRunning reports whether the server runs and its cleanup is enabled: neither
// CleanupExpiry nor CleanupInterval is negative.
func (s *Server) CleanupRunning() bool {
	s.mu.Lock()
	cleaner := s.cleaner
	s.mu.Unlock()
	return cleaner != nil && cleaner.Running()
}

// engineOptions validates the fields and fills in the defaults. The cleanup is that of the
// options, nil for none.
func (s *Server) engineOptions() (engine.Options, *PeriodicCleanup, error) {
	fail := func(err error) (engine.Options, *PeriodicCleanup, error) { return engine.Options{}, nil, err }
	if err := checkAppName(s.AppName); err != nil {
		return fail(err)
	}
	client, err := orLoad(s.Client)
	if err != nil {
		return fail(fmt.Errorf("syftevent: start app %q: %w", s.AppName, err))
	}
	if err := checkDeliverable(s.AppName); err != nil && !s.AllowAnyName {
		return fail(fmt.Errorf("syftevent: app %q: %w", s.AppName, err))
	}
	router := s.Router
	if router == nil {
		router = NewRouter()
	}
	log := loglimit.New(orDefaultLogger(s.Logger).Handler())
	logger := slog.New(log)
	adapter := &adapter{router: router, timeout: s.HandlerTimeout, debug: s.DebugMode, logger: logger}
	options := engine.Options{
		App:            s.AppName,
		Email:          client.Email,
		Dir:            rpcDir(client, s.AppName),
		URL:            URL{Datasite: client.Email, Path: "/app_data/" + s.AppName + "/rpc"}.String(),
		Endpoints:      router.endpoints(s.AllowAnyName),
		Handle:         adapter.handle,
		CheckURL:       func(url, endpoint string) error { return checkURL(url, client.Email, s.AppName, endpoint) },
		PollInterval:   orDefault(s.PollInterval, DefaultPollInterval, 0),
		Settle:         orDefault(s.SettleTime, DefaultSettleTime, 0),
		SettleRemote:   orDefault(s.SettleTime, DefaultRemoteSettleTime, 0),
		DrainTimeout:   orDefault(s.DrainTimeout, DefaultDrainTimeout, 0),
		NudgeInterval:  orDefault(s.NudgeInterval, DefaultNudgeInterval, -1),
		RepublishDelay: orDefault(s.RepublishDelay, DefaultRepublishDelay, -1),
		OrphanDelay:    orDefault(s.OrphanDelay, DefaultOrphanDelay, -1),
		MaxSize:        orDefault(s.MaxRequestSize, DefaultMaxRequestSize, rootfs.Unlimited),
		Concurrency:    orDefault(s.Concurrency, DefaultConcurrency, 1),
		Reserve:        orDefault(s.Reserve, DefaultReserve, 0),
		Durable:        s.Durable,
		Trace:          os.Getenv(debugVariable) == "1",
		Log:            log,
	}
	if s.OnRefuse != nil {
		options.OnRefuse = func(ctx context.Context, refusal engine.Refusal) { s.OnRefuse(ctx, Refusal(refusal)) }
	}
	if s.CleanupExpiry < 0 || s.CleanupInterval < 0 {
		return options, nil, nil
	}
	cleaner := &PeriodicCleanup{
		AppName: s.AppName, Client: client,
		Interval: s.CleanupInterval, Expiry: s.CleanupExpiry, Logger: logger, maxSize: s.MaxRequestSize,
		isEndpoint: func(dir string) bool {
			return slices.Contains(router.load().folders(), protocol.CleanEndpoint(dir))
		},
	}
	options.Cleanup = cleaner
	return options, cleaner, nil
}

// debugVariable, if it is "1", makes a server log each scan that covers all directories
// or lists one.
const debugVariable = "SYFTEVENT_DEBUG"
