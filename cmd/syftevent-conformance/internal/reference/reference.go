// Package reference is the embedded server of the suite, which it tests by default, and the
// embedded client: the conformance application of SPEC.md, Appendix A, in both roles, built with
// package syftevent. No other package of the suite imports the library.
package reference

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syftcrypt"
)

// implementation is the name of the library in ready lines.
const implementation = "syftevent-go"

// Features are the features that the ready line declares.
var Features = []string{"sum", "status", "empty", "items", "users", "api", "nested", "methods", "extra", "schema", "cleanup", "encryption", "seals", "workers"}

// A Target is a server under test.
type Target struct {
	// Endpoints are the handlers by pattern. Defaults to [Endpoints].
	Endpoints map[string]syftevent.HandlerFunc
	// Version is the version in the ready line.
	Version string
	// Getenv looks up the environment variables of the contract.
	Getenv func(string) string
	// Stdin stops the server when it ends.
	Stdin io.Reader
	// Stdout receives the ready line, Stderr the log.
	Stdout, Stderr io.Writer
}

// options are the JSON of SYFTEVENT_OPTIONS.
type options struct {
	PollInterval    duration `json:"poll_interval"`
	Settle          duration `json:"settle"`
	RepublishDelay  duration `json:"republish_delay"`
	OrphanDelay     duration `json:"orphan_delay"`
	MaxRequestSize  int64    `json:"max_request_size"`
	MaxResponseSize int64    `json:"max_response_size"`
	ExtraEndpoints  int      `json:"extra_endpoints"`
	CleanupExpiry   duration `json:"cleanup_expiry"`
	CleanupInterval duration `json:"cleanup_interval"`
	Encryption      bool     `json:"encryption"`
	Concurrency     int      `json:"concurrency"`
	Workers         bool     `json:"workers"`
	WorkerTimeout   duration `json:"worker_timeout"`
}

// A duration is a JSON string such as "20ms".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// parseOptions parses SYFTEVENT_OPTIONS.
func parseOptions(getenv func(string) string) (o options, err error) {
	text := getenv("SYFTEVENT_OPTIONS")
	if text == "" {
		return o, nil
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, fmt.Errorf("parse SYFTEVENT_OPTIONS: %w", err)
	}
	return o, nil
}

// Serve serves until ctx is canceled or standard input ends. It returns a one-line
// error if the environment or SyftBox's config is invalid.
func (t Target) Serve(ctx context.Context) error {
	app := t.Getenv("SYFTEVENT_APP")
	if app == "" {
		return errors.New("SYFTEVENT_APP is not set")
	}
	o, err := parseOptions(t.Getenv)
	if err != nil {
		return err
	}
	client, err := syftevent.LoadClient(t.Getenv(syftevent.ConfigPathVariable))
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(t.Stderr, nil))
	router := t.router(o.ExtraEndpoints)
	if o.Encryption {
		if err := t.addEncrypted(router, client, logger); err != nil {
			return err
		}
	}
	server := &syftevent.Server{
		AppName:         app,
		Client:          client,
		Router:          router,
		PollInterval:    time.Duration(o.PollInterval),
		SettleTime:      time.Duration(o.Settle),
		RepublishDelay:  time.Duration(o.RepublishDelay),
		OrphanDelay:     time.Duration(o.OrphanDelay),
		MaxRequestSize:  o.MaxRequestSize,
		CleanupExpiry:   time.Duration(o.CleanupExpiry),
		CleanupInterval: time.Duration(o.CleanupInterval),
		ShareWork:       o.Workers,
		WorkerTimeout:   time.Duration(o.WorkerTimeout),
		Logger:          logger,
	}
	if o.Concurrency > 0 {
		server.Concurrency, server.Reserve = o.Concurrency, -1
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// This goroutine ends with standard input or with the program.
	go func() {
		io.Copy(io.Discard, t.Stdin)
		cancel()
	}()
	if err := server.Start(ctx); err != nil {
		return err
	}
	if err := t.printReady(server); err != nil {
		return errors.Join(err, server.Shutdown(ctx))
	}
	<-ctx.Done()
	// The drain timeout limits Shutdown.
	return server.Shutdown(context.WithoutCancel(ctx))
}

// router returns a router with the endpoints and extra copies of /echo.
func (t Target) router(extra int) *syftevent.Router {
	router := syftevent.NewRouter()
	for pattern, handler := range t.endpoints() {
		router.Handle(pattern, handler)
	}
	for n := range extra {
		router.OnRequest(fmt.Sprintf("/extra%d", n), echo)
	}
	return router
}

func (t Target) endpoints() map[string]syftevent.HandlerFunc {
	if t.Endpoints != nil {
		return t.Endpoints
	}
	return Endpoints(t.Getenv("SYFTEVENT_RECORD"))
}

// addEncrypted adds the endpoints that demand encryption.
func (t Target) addEncrypted(router *syftevent.Router, client *syftevent.Client, logger *slog.Logger) error {
	keys, err := syftcrypt.LoadOrCreate(client)
	if err != nil {
		return err
	}
	guard := &syftcrypt.Guard{Keys: keys, Logger: logger}
	endpoints := t.endpoints()
	for _, name := range []string{"/echo", "/inspect", "/fail", "/record"} {
		router.Handle("/encrypted"+name, guard.Require(endpoints[name]))
	}
	return nil
}

func (t Target) printReady(server *syftevent.Server) error {
	ms := func(d, defaultValue time.Duration) float64 {
		if d == 0 {
			d = defaultValue
		}
		return milliseconds(d)
	}
	size := server.MaxRequestSize
	if size == 0 {
		size = syftevent.DefaultMaxRequestSize
	}
	return printLine(t.Stdout, map[string]any{
		"ready":            true,
		"implementation":   implementation,
		"version":          t.Version,
		"features":         Features,
		"poll_ms":          ms(server.PollInterval, syftevent.DefaultPollInterval),
		"settle_ms":        ms(server.SettleTime, syftevent.DefaultSettleTime),
		"republish_ms":     ms(server.RepublishDelay, syftevent.DefaultRepublishDelay),
		"orphan_ms":        max(0, ms(server.OrphanDelay, syftevent.DefaultOrphanDelay)), // negative means never
		"max_request_size": size,
	})
}

// printLine prints a value as a line of JSON.
func printLine(w io.Writer, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Endpoints returns the handlers of the conformance application by pattern. recordPath
// is the file to which /record appends.
func Endpoints(recordPath string) map[string]syftevent.HandlerFunc {
	return map[string]syftevent.HandlerFunc{
		"/echo":    echo,
		"/fail":    fail,
		"/inspect": inspect,
		"/record":  record(recordPath),
		"/slow":    slow(recordPath),
		"/sum":     sum,
		"/status":  status,
		"/empty": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return syftevent.Bytes(200, nil), nil
		},
		"/items/{id}":            pathValue("id"),
		"/items/first":           constant(map[string]string{"id": "the first"}),
		"/nested":                text("outer"),
		"/nested/inner":          text("inner"),
		"GET /get-only":          text("got"),
		"/users/{email}/profile": pathValue("email"),
		"/api/**":                pathValue("**"),
	}
}

func echo(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	response := syftevent.Bytes(200, req.Body)
	for name, value := range req.Headers {
		response.Headers["x-echo-"+name] = value
	}
	return response, nil
}

func fail(context.Context, *syftevent.Request) (*syftevent.Response, error) {
	return nil, errors.New("conformance-secret")
}

func inspect(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	seen := map[string]any{
		"id": req.ID, "sender": req.Sender, "method": req.Method, "url": req.URL.String(),
		"headers": req.Headers, "body_text": nil, "body_base64": nil,
	}
	if req.Body != nil {
		seen["body_text"] = req.Text()
		seen["body_base64"] = base64.StdEncoding.EncodeToString(req.Body)
	}
	return syftevent.JSON(200, seen)
}

func record(path string) syftevent.HandlerFunc {
	return func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "recorded"), appendRecord(path, req)
	}
}

// appendRecord records that a request runs.
func appendRecord(path string, req *syftevent.Request) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	// A single write keeps the lines of concurrent handlers apart.
	_, err = f.WriteString(req.ID + "\n")
	return errors.Join(err, f.Close())
}

func slow(path string) syftevent.HandlerFunc {
	return func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		var in struct {
			MS float64 `json:"ms"`
		}
		if err := errors.Join(appendRecord(path, req), req.DecodeJSON(&in)); err != nil {
			return nil, err
		}
		select {
		case <-time.After(time.Duration(in.MS * float64(time.Millisecond))):
			return syftevent.Text(200, "done"), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func sum(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	var in struct{ A, B float64 }
	if err := req.DecodeJSON(&in); err != nil {
		return nil, err
	}
	return syftevent.JSON(200, map[string]float64{"result": in.A + in.B})
}

func status(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	var in struct{ Code int }
	if err := req.DecodeJSON(&in); err != nil {
		return nil, err
	}
	return syftevent.Bytes(in.Code, nil), nil
}

func text(body string) syftevent.HandlerFunc {
	return func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, body), nil
	}
}

func constant(body any) syftevent.HandlerFunc {
	return func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, body)
	}
}

func pathValue(name string) syftevent.HandlerFunc {
	return func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, map[string]string{name: req.PathValue(name)})
	}
}
