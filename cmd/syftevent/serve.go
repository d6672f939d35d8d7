package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

const serveDetails = `Serve is a reverse proxy. Each request to the app goes to the same path below the URL of -to,
and the response goes back:

  python3 -m http.server --bind 127.0.0.1 8080 &
  syftevent serve -app files -to http://127.0.0.1:8080
  syftevent call bob@example.com/files/            # on another machine

The service sees the sender in the header X-Syft-From and the syft:// URL in X-Syft-Url. Senders
cannot set these, nor X-Forwarded-*, Forwarded and X-Real-Ip. A request that is in no folder of a
sender has no X-Syft-From. The documentation of package syftevent, "Senders", says when a sender is
authenticated.

Redirects to the service itself lead to the app. A response is published when it is complete, so
there are no streams and no WebSockets.

SyftBox carries the permissions of a new app with its next full synchronization: it rejects calls in
the first 5 s. It never carries some names, such as those that end in ".log" or ".tmp", and takes
seconds for files above 3 MB.

A caller gets status 502 if the service cannot be reached or its response is incomplete, and 504
after -timeout. Everybody on SyftBox may call the app, unless its folder rpc has a syft.pub.yaml
that says otherwise.

At Ctrl-C, serve stops when the requests in flight have ended, after 10 s at the latest. A second
Ctrl-C stops it at once.
`

// serveFlags are the flags of serve.
type serveFlags struct {
	config      configFlag
	app         string
	to          string
	concurrency int
	timeout     time.Duration
	verbose     bool
}

func (f *serveFlags) define(flags *flag.FlagSet) {
	f.config.define(flags)
	flags.StringVar(&f.app, "app", "", "`NAME` of the app; required")
	flags.StringVar(&f.to, "to", "", "`URL` of the service, http or https, may have a path; required")
	flags.IntVar(&f.concurrency, "concurrency", 64, "send at most `N` requests at once, and half of that for one sender")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "wait at most `DURATION` for a response of the service")
	flags.BoolVar(&f.verbose, "v", false, "log each request, and when the server starts and stops")
}

// serve runs the reverse proxy until ctx is canceled.
func serve(ctx context.Context, args []string, std stdio) error {
	var f serveFlags
	words, err := parseFlags(cmdline.NewFlags("serve", f.define), args)
	if err == nil {
		err = noWords(words)
	}
	if err != nil {
		return err
	}
	switch {
	case f.app == "":
		return usageError("missing -app NAME")
	case f.to == "":
		return usageError("missing -to URL")
	case f.concurrency < 1:
		return usageError("-concurrency %d must be at least 1", f.concurrency)
	case f.timeout <= 0:
		return usageError("-timeout %v must be positive", f.timeout)
	}
	backend, err := parseBackend(f.to)
	if err != nil {
		return err
	}
	client, err := f.config.load()
	if err != nil {
		return err
	}
	base, err := syftevent.MakeURL(client.Email, f.app, "/")
	if err != nil {
		return usageError("-app: %v", plainError(err))
	}
	server := f.server(client, backend, std.err)
	go func() {
		select {
		case <-server.Ready():
			fmt.Fprintf(std.out, "serving %s as syft://%s/app_data/%s/rpc\n", backend, client.Email, base.App())
		case <-server.Done():
		}
	}()
	err = server.Run(ctx)
	if errors.Is(err, syftevent.ErrAppServed) {
		return fmt.Errorf("another program serves the app %q; stop it, or choose another -app", f.app)
	}
	if err != nil {
		return plainError(err)
	}
	return nil
}

// server returns the server of the app. Its handlers only wait for the service, so that there are
// none in reserve.
func (f *serveFlags) server(client *syftevent.Client, backend *backend, stderr io.Writer) *syftevent.Server {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	router := syftevent.NewRouter()
	router.Handle("/**", syftevent.Describe("HTTP service", syfthttp.Handler(newProxy(backend, f, logger))))
	server := &syftevent.Server{
		AppName: f.app, Client: client, Router: router, Logger: logger,
		Concurrency: f.concurrency, Reserve: -1,
	}
	if f.verbose {
		router.Use(syftevent.AuditLog(logger))
		server.OnRefuse = syftevent.LogRefusals(logger)
	}
	return server
}
