package syftevent

import (
	"cmp"
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
	"github.com/syftevent/syftevent-go/syftevent/internal/watch"
)

// A Server answers the requests that arrive in the folder of one app. AppName is the only
// required field; a zero field means its default. Fields must not be changed after Start or
// Run is called, unless that failed. The methods may be called concurrently. The package
// documentation states guarantees and limits.
//
// A server locks its app with the file .syftkeep in the app's folder, and checks the lock
// every second. On a network file system it also has a heartbeat, a file that it renews every
// second, because locks may not reach other hosts. If it loses the lock, it tries to reacquire
// it. While the app's folder is missing, it starts no handlers. If another server holds the lock,
// this server stops, and [Server.Err] says why. If locking fails, for example because the file
// system has no locks, the server logs a warning and runs without one.
type Server struct {
	// AppName is the name of the app, a single folder name. It is required.
	AppName string
	// Client is the SyftBox installation with the datasite. The server uses only its Email and
	// DataDir. Defaults to LoadClient("").
	Client *Client
	// Router handles the requests. Defaults to a router without routes.
	Router *Router
	// PollInterval is the time between two scans for requests while the app is idle. Defaults
	// to 100 ms. Negative means that only the cost of scans determines the pause. Folders
	// that had a request in the last five minutes are scanned more often. With very many
	// folders the server scans less often: as often as IdleShare allows, or on network file
	// systems for a sixth of the time. See [Stats].
	PollInterval time.Duration
	// IdleShare is the share of a processor core that scans may use while no request comes.
	// Defaults to 0.01. It must not be negative or more than 1. With many folders it determines
	// how late a request is found in one that was not used for five minutes: with 8,000 folders
	// and the default, after 1 to 3 s. Scans on network file systems do not depend on it.
	IdleShare float64
	// SettleTime is how long an incomplete request must stay unchanged before the server
	// responds with 400. Defaults to 2 s, or 30 s on file systems that may show changes late,
	// such as network shares. Negative means at once. [read-settle]
	SettleTime time.Duration
	// MaxRequestSize limits the size of a request file, in bytes. The server responds with 413
	// to a larger one. Defaults to 16 MiB. Negative disables the limit. The file holds the body
	// in base64, which adds a third. SyftBox transfers files above about 3 MB only with its
	// full synchronization, which takes several seconds.
	//
	// Requests larger than 16 KiB share a memory budget of 64 MiB, or of twice MaxRequestSize
	// if that is more. Each takes twice its size, from before it is read until its handler
	// returns. One sender gets at most half of the budget, or one request. A request that
	// does not fit waits; one that exceeds the whole budget runs alone. Memory that handlers
	// allocate is not counted. [Stats] shows the budget.
	MaxRequestSize int64
	// Concurrency is the number of handlers that may run at once, not counting those of
	// Reserve. Defaults to 64. Negative means 1. One sender may use half of it, at least 1.
	Concurrency int
	// Reserve is the number of additional handlers that may run for senders that have no other
	// handler running. Defaults to 1,024, so that 1,088 handlers may run at once. Negative
	// means none: Concurrency is then a hard limit, for handlers that each need much memory or
	// CPU time.
	Reserve int
	// HandlerTimeout limits how long a handler may run. After it, the handler's context ends with
	// context.DeadlineExceeded as its cause, and the server responds with 504. A handler that
	// ignores cancellation still counts for Concurrency or Reserve. Zero or negative means no
	// limit.
	HandlerTimeout time.Duration
	// DrainTimeout is how long handlers may keep running when the server is stopped, before
	// their contexts are canceled. Defaults to 10 s. Negative cancels them at once.
	DrainTimeout time.Duration
	// Durable syncs each response file and its folder to the disk before the response counts
	// as published, so that it survives a power loss. Publishing then takes a few times as
	// long. The reply cache is not synced: after a power loss, a request whose response SyftBox
	// deletes may run again.
	Durable bool
	// NudgeInterval is the time between the nudges of two responses. Each response of at most
	// 3 MB is nudged once, unless nudges for more than 5 s are queued: a second write makes
	// SyftBox upload it immediately instead of with its next full synchronization. Defaults
	// to 5 ms. Negative disables nudges. [publish-nudge]
	NudgeInterval time.Duration
	// RepublishDelay is how long the response to a pending request must be missing before the
	// server republishes it. SyftBox sometimes deletes a response. The delay applies to the
	// first three times; each further time it is twice the last. A response that SyftBox
	// rejected is not republished. Defaults to 12 s. Negative disables it, with
	// one exception: if an earlier process may have ended before it published a response, the
	// server publishes that response once, after 12 s. [publish-again]
	RepublishDelay time.Duration
	// OrphanDelay is how long a response must be without a request before the server removes
	// it: its client has read it or canceled the request. The same applies to a file that SyftBox
	// renamed because of a conflict. Defaults to 2 min. Negative disables it. [publish-orphans]
	OrphanDelay time.Duration
	// CleanupExpiry is the age at which [PeriodicCleanup] removes requests and responses.
	// Defaults to 30 days. Negative disables the cleanup.
	CleanupExpiry time.Duration
	// CleanupInterval is the time between two cleanups; the first one runs at the start.
	// Defaults to a day. Negative disables the cleanup.
	CleanupInterval time.Duration
	// CleanupKeep is [PeriodicCleanup.Keep]: the number of answered requests that each
	// sender's folder keeps. With many calls a day, set CleanupInterval to an hour or less as
	// well. Zero or negative means all.
	CleanupKeep int
	// ShareWork makes this server one of several workers of the app: servers with ShareWork, on one
	// or more hosts, that share the app's folder and each answer a part of the requests. Each
	// request is claimed by one worker. If that dies, another one takes the request over, after
	// WorkerTimeout at most. It is off by default. It needs a file system with symbolic and hard
	// links, and is not supported on Windows. It excludes [Server.Watch]. The package
	// documentation says more in "Workers".
	ShareWork bool
	// WorkerTimeout is how long the heartbeat of a server must stay unchanged before other servers
	// take it for dead. It must be the same for all servers of the app, at least 1 s, longer than
	// the mount may show an old file, and longer than a busy host may keep the process from running.
	// Defaults to 10 s on local file systems, 45 s on NFS, and 30 s on other network and FUSE file
	// systems. The end of a process on the same host is noticed within seconds (on Linux).
	//
	// Without ShareWork it applies to servers on network file systems, where locks may not reach
	// other hosts: after the host of a server has crashed, a server on another host starts after
	// this time.
	WorkerTimeout time.Duration
	// DebugMode sends clients the details of a failed handler instead of a generic text: a JSON
	// object with the members error_type, error_message, function_name (the endpoint) and
	// traceback (the stack, after a panic). Do not set it in production.
	DebugMode bool
	// AllowAnyName permits app and endpoint names that SyftBox does not synchronize, such as
	// "logs" or "dist", for servers that do not run under SyftBox. Without it, Start returns an
	// error for such a name; for an endpoint registered later the server logs an error and
	// creates no folder.
	AllowAnyName bool
	// Logger receives the server's log output. Defaults to slog.Default(). The output is
	// limited, whatever senders do: 30 lines per message and minute, then one that counts the
	// rest; 512 bytes per value, and 4,096 per stack. It has no line for each request: see
	// [AuditLog], whose logger has no such limits. If the environment variable
	// SYFTEVENT_DEBUG is 1, each scan that covers all folders or lists one is logged.
	Logger *slog.Logger

	// OnRefuse, if not nil, is called for each request that the server refuses before the router
	// sees it: one that is malformed, expired, larger than MaxRequestSize or from a forged
	// sender. It is called concurrently and counts as a handler while it runs, but
	// HandlerTimeout does not apply. If it panics, the panic is logged. See [LogRefusals]. For
	// all other requests, also those with status 404 and 405, use middleware with [Router.Use].
	// A request that is answered with 500 because three processes ended while they handled it
	// reaches neither.
	OnRefuse func(ctx context.Context, refusal Refusal)

	localLocks  bool              // for tests
	watches     []registeredWatch // by Watch
	mu          sync.Mutex
	closed      bool // Shutdown was called
	started     bool
	cancelStart context.CancelCauseFunc // nil unless Start is under way
	startEnded  chan struct{}           // closed when Start returns
	running     *engine.Server          // nil until it is ready
	watcher     *watch.Watcher          // of running; nil for none
	cleaner     *PeriodicCleanup        // of running; nil for none
	ready, done chan struct{}
}

var (
	// ErrAppServed means that another server serves the app. [Server.Start], [Server.Run] and
	// [Server.Err] return errors that wrap it.
	ErrAppServed = engine.ErrAppServed
	// ErrServerStarted is returned by [Server.Start] and [Server.Run] if the server was started
	// before.
	ErrServerStarted = errors.New("syftevent: server already started")
	// ErrServerClosed is returned by [Server.Start] if [Server.Shutdown] was called before the
	// server was ready.
	ErrServerClosed = errors.New("syftevent: server closed before it was ready")
)

// Run calls [Server.Start] and returns when the server has stopped. It returns nil if ctx is
// canceled or [Server.Shutdown] is called, before or after the server is ready. Otherwise it
// returns the error of Start or of [Server.Err].
func (s *Server) Run(ctx context.Context) error {
	err := s.Start(ctx)
	if errors.Is(err, ErrServerClosed) || err != nil && errors.Is(err, context.Cause(ctx)) {
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

// Start starts the server and returns when it is ready: its rpc folder exists and it polls
// for requests. It logs what it cannot write into that folder, and retries. The server runs
// until ctx is canceled or [Server.Shutdown] is called. In both cases it waits for handlers in
// flight, for [Server.DrainTimeout] at most, and closes [Server.Done] in the end. The contexts
// of handlers have the values of ctx, but not its cancellation.
//
// If another server serves the app, Start waits 10 s for it to stop and then returns an error
// that wraps [ErrAppServed]. On a network file system, and with ShareWork, a server may have died
// without releasing the app: Start waits up to [Server.WorkerTimeout] to find out. It returns
// [ErrServerStarted] if the server was started before, [ErrServerClosed] if Shutdown was called,
// the cause of ctx if ctx ended first, and other errors if a field or the name of an endpoint is invalid, the configuration cannot be loaded
// (an error that wraps a [*ConfigError]), or the rpc folder cannot be created or opened. A
// server runs once; after an error other than ErrServerStarted and ErrServerClosed, Start may
// be called again.
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
	s.watcher, _ = options.Watcher.(*watch.Watcher)
	close(s.readyLocked())
	done := s.doneLocked()
	go func() { // ends with the server
		<-running.Finished()
		close(done)
	}()
	return nil
}

// Ready returns a channel that is closed when the server is ready. If the server fails to
// start, it is not closed.
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

// Done returns a channel that is closed when the server has stopped. It is not closed if the
// server never became ready.
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
// its lock to another server. It returns nil while the server runs, and after Shutdown or the
// end of its context.
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

// Shutdown stops the server: it starts no more handlers and waits for those in flight. After
// [Server.DrainTimeout], or when ctx is done if that is sooner, it cancels their contexts. A
// second later it gives up on handlers that ignore the cancellation and keep running.
// Unanswered requests are left for the next start.
//
// Shutdown returns ctx's error if ctx ended before the server stopped, otherwise that of
// [Server.Err]. If Start is in progress, Shutdown cancels it: Start returns
// [ErrServerClosed], or nil if the server was almost ready, and then Shutdown stops it. After
// Shutdown a server cannot be started. Shutdown may be called more than once.
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
	if !(s.IdleShare >= 0 && s.IdleShare <= 1) {
		return fail(fmt.Errorf("syftevent: start app %q: IdleShare is %v, must be from 0 to 1", s.AppName, s.IdleShare))
	}
	router := s.Router
	if router == nil {
		router = NewRouter()
	}
	log := loglimit.New(orDefaultLogger(s.Logger).Handler())
	logger := slog.New(log)
	adapter := &adapter{app: s.AppName, router: router, timeout: s.HandlerTimeout, debug: s.DebugMode, logger: logger}
	options := engine.Options{
		App:            s.AppName,
		Email:          client.Email,
		Dir:            rpcDir(client, s.AppName),
		URL:            URL{Datasite: client.Email, Path: "/app_data/" + s.AppName + "/rpc"}.String(),
		Endpoints:      router.endpoints(s.AllowAnyName),
		Handle:         adapter.handle,
		CheckURL:       func(url, endpoint string) error { return checkURL(url, client.Email, s.AppName, endpoint) },
		PollInterval:   orDefault(s.PollInterval, DefaultPollInterval, 0),
		IdleShare:      cmp.Or(s.IdleShare, DefaultIdleShare),
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
	if err := s.shareWork(&options); err != nil {
		return fail(err)
	}
	if err := s.addWatcher(&options, client); err != nil {
		return fail(err)
	}
	if s.CleanupExpiry < 0 || s.CleanupInterval < 0 {
		return options, nil, nil
	}
	cleaner := &PeriodicCleanup{
		AppName: s.AppName, Client: client,
		Interval: s.CleanupInterval, Expiry: s.CleanupExpiry, Keep: s.CleanupKeep, Logger: logger, maxSize: s.MaxRequestSize,
		isEndpoint: func(dir string) bool {
			return slices.Contains(options.Endpoints().Folders, protocol.CleanEndpoint(dir))
		},
	}
	options.Cleanup = cleaner
	return options, cleaner, nil
}

// debugVariable, if it is "1", makes a server log each scan that covers all directories
// or lists one.
const debugVariable = "SYFTEVENT_DEBUG"
