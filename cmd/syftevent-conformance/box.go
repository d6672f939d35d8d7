package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A boxOptions is the command line of "box".
type boxOptions struct {
	config fakebox.Config
	listen string
	json   bool
	fail   []failing
	dir    string
	emails []string
}

// A failing is a fault for the next n files.
type failing struct {
	fault fakebox.Fault
	n     int
}

func parseBox(args []string) (*boxOptions, error) {
	o := &boxOptions{}
	flags := newFlags("box")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.Uint64Var(&o.config.Seed, "seed", 1, "")
	flags.Float64Var(&o.config.Speed, "speed", 1, "")
	flags.Float64Var(&o.config.FaultRate, "faults", 0, "")
	flags.TextVar(&o.config.Download.Mode, "download", o.config.Download.Mode, "")
	flags.Func("fail", "", func(value string) error {
		name, count, counted := strings.Cut(value, "=")
		f := failing{n: 1}
		var err error
		if counted {
			if f.n, err = strconv.Atoi(count); err != nil || f.n < 1 {
				return fmt.Errorf("%q is no number of files", count)
			}
		}
		f.fault, err = fakebox.ParseFault(name)
		o.fail = append(o.fail, f)
		return err
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, errHelp
	} else if err != nil {
		return nil, usageError("box: %v", err)
	}
	if flags.NArg() < 2 {
		return nil, usageError("box wants a folder and the addresses of those who take part: box DIR EMAIL...")
	}
	o.dir, o.emails = flags.Arg(0), flags.Args()[1:]
	return o, nil
}

// playBox runs a network of fakebox until ctx is cancelled.
func playBox(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseBox(args)
	if err != nil {
		return err
	}
	show := func(e fakebox.Event) { fmt.Fprintln(stdout, e) }
	if o.json {
		show = func(e fakebox.Event) { fakebox.WriteEvents(stdout, []fakebox.Event{e}) }
	}
	// What is said before the first event comes first.
	o.config.Observe = show
	box, err := fakebox.Open(o.dir, o.config)
	if err != nil {
		return &statusError{exitUsage, err}
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	for _, email := range o.emails {
		if _, err := box.TryJoin(email); err != nil {
			return &statusError{exitUsage, err}
		}
	}
	for _, f := range o.fail {
		if err := box.FailNext(f.fault, f.n); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return &statusError{exitUsage, fmt.Errorf("box: listening for the gateway: %w", err)}
	}
	gateway := &http.Server{Handler: box.Gateway(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(listener) }() // ends with Shutdown or Close
	if !o.json {
		introduce(stdout, box, o, "http://"+listener.Addr().String())
	}
	if err := box.Start(); err != nil {
		return errors.Join(err, gateway.Close(), ignoreClosed(<-served))
	}
	select {
	case err := <-served:
		return fmt.Errorf("box: the gateway: %w", err)
	case <-ctx.Done():
	}
	// Who waits for an answer is told that there is none: no longer than a second.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if gateway.Shutdown(closing) != nil {
		gateway.Close()
	}
	if !o.json {
		fmt.Fprintf(stdout, "ended; the files are still in %s\n", box.Dir())
	}
	return ignoreClosed(<-served)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// introduce says where everything is, and how to send a request.
func introduce(w io.Writer, box *fakebox.Box, o *boxOptions, gateway string) {
	fmt.Fprintf(w, "SyftBox for %d in %s (seed %d). To serve an app, start it with\n", len(o.emails), box.Dir(), o.config.Seed)
	for _, email := range o.emails {
		if replica, ok := box.Replica(email); ok {
			fmt.Fprintf(w, "  SYFTBOX_CLIENT_CONFIG_PATH=%s\n", replica.ConfigPath())
		}
	}
	server, client := o.emails[0], "guest@syftbox.net"
	if len(o.emails) > 1 {
		client = o.emails[1]
	}
	fmt.Fprintf(w, "To call the endpoint hello of the app echo that %s serves, without a SyftBox:\n", server)
	fmt.Fprintf(w, "  curl -d '{\"a\":1}' '%s/api/v1/send/msg?suffix-sender=true&timeout=5000&x-syft-from=%s&x-syft-url=syft://%s/app_data/echo/rpc/hello'\n",
		gateway, client, server)
	if replica, ok := box.Replica(client); ok {
		fmt.Fprintf(w, "Or write a file ID.request into\n  %s\n", filepath.Join(replica.Datasites(), server, "app_data", "echo", "rpc", "hello", client))
	}
	fmt.Fprintln(w, "What happens, until Ctrl-C:")
}
