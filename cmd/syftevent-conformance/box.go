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
	"text/tabwriter"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxpage"
)

// boxFlags is the command line of box.
type boxFlags struct {
	config fakebox.Config
	listen string
	page   string
	json   bool
	fail   []injectedFault
	dir    string
	emails []string
}

// An injectedFault is a fault for the next n files.
type injectedFault struct {
	fault fakebox.Fault
	n     int
}

func (o *boxFlags) define(flags *flag.FlagSet) {
	o.config.Download.Mode = fakebox.BlobStore
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "serve the HTTP gateway on `ADDR`; port 0 chooses one")
	flags.StringVar(&o.page, "page", "127.0.0.1:0", "serve the page that shows the network on `ADDR`, a loopback address; off, or -json, leaves it out")
	flags.BoolVar(&o.json, "json", false, "print events as JSON, and nothing else")
	flags.Uint64Var(&o.config.Seed, "seed", 1, "seed random decisions with `N`")
	flags.Float64Var(&o.config.Speed, "speed", 1, "divide every duration of SyftBox by `X`")
	flags.Float64Var(&o.config.FaultRate, "faults", 0, "inject faults with probability `RATE`, 0 to 1, at each step of a file")
	flags.TextVar(&o.config.Download.Mode, "download", o.config.Download.Mode, "let the full sync write by `MODE`: blobstore, or blobstore-in-place as client 0.8.7 does")
	flags.Func("fail", "inject `FAULT[=N]` into the next N files (default 1); may be repeated", func(value string) error {
		name, count, counted := strings.Cut(value, "=")
		f := injectedFault{n: 1}
		var err error
		if counted {
			if f.n, err = strconv.Atoi(count); err != nil || f.n < 1 {
				return fmt.Errorf("invalid number of files %q", count)
			}
		}
		f.fault, err = fakebox.ParseFault(name)
		o.fail = append(o.fail, f)
		return err
	})
}

// boxDetails lists the faults.
func boxDetails() string {
	var out strings.Builder
	out.WriteString("Box creates a replica in DIR for each EMAIL, prints what happens to which file, and\n" +
		"stops on Ctrl-C. Its page shows the same in the browser: calls, why a call has no\n" +
		"response, and files. It also sends requests and injects faults. Hub means SyftBox's server.\n\nFaults, and the requirement that obliges a server to survive each:\n")
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, f := range fakebox.Faults() {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", f.Fault, f.Requirement, f.Description)
	}
	w.Flush()
	return out.String()
}

func parseBox(args []string) (*boxFlags, error) {
	o := &boxFlags{}
	words, err := parseFlags(cmdline.NewFlags("box", o.define), args)
	if err != nil {
		return nil, err
	}
	if len(words) < 2 {
		return nil, usageError("box needs DIR and at least one EMAIL")
	}
	o.dir, o.emails = words[0], words[1:]
	return o, nil
}

// runBox runs a fakebox network until ctx is canceled.
func runBox(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseBox(args)
	if err != nil {
		return err
	}
	numbers := &boxpage.Numbering{}
	show := newBoxLines(stdout, screenOf(stdout), numbers, o.emails).print
	if o.json {
		show = func(e fakebox.Event) { fakebox.WriteEvents(stdout, []fakebox.Event{e}) }
	}
	o.config.Observe = show
	box, err := fakebox.Open(o.dir, o.config)
	if err != nil {
		return configError(err)
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	for _, email := range o.emails {
		if _, err := box.TryJoin(email); err != nil {
			return configError(err)
		}
	}
	for _, f := range o.fail {
		if err := box.FailNext(f.fault, f.n); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return configError(fmt.Errorf("box: start gateway: %w", err))
	}
	gatewayURL := "http://" + listener.Addr().String()
	pageURL := ""
	if o.page != "off" && !o.json {
		page, err := boxpage.Listen(o.page, box, boxpage.Options{Gateway: gatewayURL, Numbers: numbers})
		if err != nil {
			return errors.Join(configError(fmt.Errorf("box: start page: %w", err)), listener.Close())
		}
		defer func() { err = errors.Join(err, page.Close()) }()
		pageURL = page.URL()
	}
	gateway := &http.Server{Handler: box.Gateway(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(listener) }()
	if !o.json {
		introduce(stdout, box, o, gatewayURL, pageURL)
	}
	// Events are printed, and the page keeps its own: the journal would grow for ever.
	trim := time.NewTicker(10 * time.Second)
	defer trim.Stop()
	if err := box.Start(); err != nil {
		return errors.Join(err, gateway.Close(), ignoreClosed(<-served))
	}
	for running := true; running; {
		select {
		case <-trim.C:
			box.TakeEvents()
		case err := <-served:
			return fmt.Errorf("box: serve gateway: %w", err)
		case <-ctx.Done():
			running = false
		}
	}
	// Pending calls get a second to receive their response.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if gateway.Shutdown(closing) != nil {
		gateway.Close()
	}
	if !o.json {
		fmt.Fprintf(stdout, "stopped; files kept in %s\n", box.Dir())
	}
	return ignoreClosed(<-served)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// introduce prints the paths of the network, and how to send a request.
func introduce(w io.Writer, box *fakebox.Box, o *boxFlags, gateway, page string) {
	fmt.Fprintf(w, "SyftBox network of %d in %s (seed %d). To serve an app, start it with\n", len(o.emails), box.Dir(), o.config.Seed)
	for _, email := range o.emails {
		if replica, ok := box.Replica(email); ok {
			fmt.Fprintf(w, "  SYFTBOX_CLIENT_CONFIG_PATH=%s\n", replica.ConfigPath())
		}
	}
	server, client := o.emails[0], "guest@syftbox.net"
	if len(o.emails) > 1 {
		client = o.emails[1]
	}
	fmt.Fprintf(w, "To call the endpoint hello of the app echo at %s over HTTP:\n", server)
	fmt.Fprintf(w, "  curl -d '{\"a\":1}' '%s/api/v1/send/msg?suffix-sender=true&timeout=5000&x-syft-from=%s&x-syft-url=syft://%s/app_data/echo/rpc/hello'\n",
		gateway, client, server)
	if replica, ok := box.Replica(client); ok {
		fmt.Fprintf(w, "Or write ID.request to\n  %s\n", filepath.Join(replica.Datasites(), server, "app_data", "echo", "rpc", "hello", client))
	}
	if page != "" {
		fmt.Fprintf(w, "To see the calls in the browser, open\n  %s\n", page)
	}
	fmt.Fprintln(w, "Events (Ctrl-C stops):")
}
