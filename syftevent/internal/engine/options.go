// Package engine is the running server: it polls for the requests of one app, and answers
// each of them once. What a response says it leaves to one function, Options.Handle; it
// knows no routes and no handlers.
package engine

import (
	"context"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
)

// Options configure a Server. All are required, but for those that say so; there are no
// defaults.
type Options struct {
	App   string // the name of the app
	Email string // of the owner of the datasite
	Dir   string // the app's "rpc" directory
	URL   string // the same as a syft:// URL, without a trailing slash

	// Endpoints returns the current endpoints: the same pointer as long as they do not
	// change. It may be called concurrently.
	Endpoints func() *Endpoints
	// Handle handles a request and sets the outcome. Its context is canceled when the server
	// stops and the drain timeout is over. It is called concurrently.
	Handle func(ctx context.Context, req *Request, outcome *Outcome)
	// CheckURL returns an error, the end of a sentence for the client, if a request's URL is
	// not that of the endpoint.
	CheckURL func(url, endpoint string) error
	// OnRefuse is called for each request that does not reach Handle; nil for none.
	OnRefuse func(ctx context.Context, refusal Refusal)
	// Cleanup runs while the server does; nil for none.
	Cleanup Cleanup
	// MatchRoutes returns a function that reports whether one of some patterns, which are
	// Endpoints.Patterns of another server, matches an endpoint. Required for ShareWork.
	MatchRoutes func(patterns []string) func(endpoint string) bool
	// Watcher runs while the server does; nil for none.
	Watcher Watcher

	PollInterval   time.Duration // between two scans while nothing happens
	IdleShare      float64       // of a core, for scans while nothing happens
	Settle         time.Duration // how long an incomplete request is left alone
	SettleRemote   time.Duration // the same where mtimes are not trusted
	DrainTimeout   time.Duration // how long handlers may run after Stop
	NudgeInterval  time.Duration // negative for no nudges
	RepublishDelay time.Duration // negative for never
	OrphanDelay    time.Duration // negative for never
	MaxSize        int64         // of a request file, in bytes; rootfs.Unlimited for no limit
	Concurrency    int           // handlers that run at once
	Reserve        int           // handlers beyond that, each the only one of its sender
	Durable        bool          // sync responses to the disk
	ShareWork      bool          // with other servers of the app
	WorkerTimeout  time.Duration // after which a silent server is dead; 0 for that of the file system
	LocalLocks     bool          // locks do not reach other servers: for tests
	Trace          bool          // log each scan

	// Log receives the log output.
	Log *loglimit.Handler
}

// A Cleanup removes old files in a goroutine of its own, between Start and Stop.
type Cleanup interface {
	Start(ctx context.Context) error
	Stop()
}

// A Watcher passes files that change to handlers of its own, which end like those of requests.
type Watcher interface {
	// Start starts the Watcher. ctx is that of handlers. While paused returns true, no handler
	// may be started.
	Start(ctx context.Context, paused func() bool) error
	// Stop ends the start of handlers. It returns a channel that is closed when none runs.
	Stop() <-chan struct{}
	// Close ends the Watcher without waiting for handlers.
	Close()
}

// Endpoints are what a server knows about the routes at one time.
type Endpoints struct {
	Routes        int             // how many routes there are
	Patterns      []string        // the paths of all routes
	Folders       []string        // of all endpoints: "/" and the literal segments
	Deliverable   []string        // the folders without those of undeliverable endpoints
	Undeliverable []error         // why SyftBox never delivers to the others
	First         map[string]bool // the first segments of folders; "" for any
	Has           func(endpoint string) bool
	LeadsTo       func(endpoint string) bool // endpoint, or one below it, has a route
	Schema        func() ([]byte, error)     // the content of rpc.schema.json
}
