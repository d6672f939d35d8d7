package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

const watchDetails = `Watch prints a line when a request to APP, in your own datasite, arrives, and another when its
response appears, until Ctrl-C:

  15:04:05.123 -> alice@example.com POST /notes/add 17 B
  15:04:05.131 <- alice@example.com POST /notes/add 200 8 ms

The size is that of the body. Watch begins with the requests that have no response yet. The sender
is the name of the folder that holds the request, or "-" in the legacy layout.

Watch only reads the folder of the app: all of it five times a second, and pending requests
forty times, or less often if reading takes long. It misses requests that exist for a shorter
time, such as those of a fast client on the same machine. "gone" instead of a status means that
the request was removed before watch saw a response.
`

// watchFlags are the flags of watch.
type watchFlags struct {
	config configFlag
	json   bool
}

func (f *watchFlags) define(flags *flag.FlagSet) {
	f.config.define(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON, one object a line")
}

// scanEvery is the time between two scans of all folders, and checkEvery that between two checks
// of the pending requests: their files are removed soon after the response. Each costs at most one
// part in watchShare of the time.
const scanEvery, checkEvery, watchShare = 200 * time.Millisecond, 25 * time.Millisecond, 5

// watch shows requests to an app until ctx ends.
func watch(ctx context.Context, args []string, std stdio) error {
	var f watchFlags
	words, err := parseFlags(cmdline.NewFlags("watch", f.define), args)
	if err != nil {
		return err
	}
	client, sites, name, err := f.config.openApp(words)
	if err != nil {
		return err
	}
	defer sites.close()
	var failed error
	show := func(e event) {
		if failed == nil && f.json {
			failed = writeJSON(std.out, e)
		} else if failed == nil {
			_, failed = fmt.Fprintln(std.out, e)
		}
	}
	w := newWatcher(sites, rpcPath(client.Email, name), show)
	w.scan(time.Now())
	fmt.Fprintf(std.err, "watching syft://%s\n", w.rpc)
	told := false
	nextScan := time.Now().Add(scanEvery)
	for failed == nil {
		if w.overflow && !told {
			fmt.Fprintf(std.err, "%s: watch: too many requests; some are not shown\n", program)
			told = true
		}
		begin := time.Now()
		if begin.Before(nextScan) {
			w.check(begin)
		} else {
			w.scan(begin)
			nextScan = begin.Add(max(scanEvery, watchShare*time.Since(begin)))
		}
		select {
		case <-time.After(max(checkEvery, watchShare*time.Since(begin))):
		case <-ctx.Done():
			return nil
		}
	}
	return fmt.Errorf("write: %w", failed)
}
