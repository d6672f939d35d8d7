package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

const callDetails = `URL is syft://EMAIL/app_data/APP/rpc/ENDPOINT, or for short EMAIL/APP/ENDPOINT:

  syftevent call bob@example.com/notes/list?limit=3
  syftevent call bob@example.com/notes/add -d '{"text": "milk"}'
  syftevent call bob@example.com/notes/photo -o photo.jpg -f

As in other URLs, a space in the path is %20. Flags may stand before or after the URL. The
body of the response is printed byte for byte, with any status; -f makes a status of 400 or
above an error. On a terminal, a line on standard error shows how long the call waits.

Redirects of -L may lead to another person: the request is then yours to that person, without
cookies and authorization.

Ctrl-C cancels the call and removes its request. A server that already has the request may
still run it.
`

// The methods that SyftBox carries.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// maxRedirects is how many redirects -L follows, as curl does.
const maxRedirects = 50

var errRedirects = fmt.Errorf("gave up after %d redirects", maxRedirects)

// callFlags are the flags of call.
type callFlags struct {
	config  configFlag
	method  string
	headers headerFlag
	data    bodyFlag
	timeout time.Duration
	include bool
	fail    bool
	follow  bool
	output  string
}

func (f *callFlags) define(flags *flag.FlagSet) {
	f.config.define(flags)
	flags.StringVar(&f.method, "X", "", "use `METHOD`: "+strings.Join(methods, ", ")+" (default GET, with -d POST)")
	flags.Var(&f.headers, "H", "send a `HEADER` 'NAME: VALUE', 'NAME;' without a value, or none with 'NAME:'; repeatable")
	flags.Var(&f.data, "d", "send `BODY`, the file @FILE, or standard input with @-, byte for byte. The Content-Type is application/json if the body is JSON, or else text/plain, unless -H sets one")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "wait at most `DURATION` for the response")
	flags.BoolVar(&f.include, "i", false, "print the status line and the headers before the body")
	flags.BoolVar(&f.fail, "f", false, "print the body on standard error and exit with 22 if the status is 400 or above")
	flags.BoolVar(&f.follow, "L", false, "follow redirects")
	flags.StringVar(&f.output, "o", "", "write the body to `FILE`, when it is complete, instead of standard output")
}

// call calls an endpoint and prints the response.
func call(ctx context.Context, args []string, std stdio) error {
	var f callFlags
	flags := cmdline.NewFlags("call", f.define)
	words, err := parseFlags(flags, splitMethod(args))
	if err != nil {
		return err
	}
	word, err := oneWord("URL", words)
	if err != nil {
		return err
	}
	address, err := parseAddress(word)
	if err != nil {
		return err
	}
	switch {
	case f.timeout <= 0:
		return usageError("-timeout %v must be positive", f.timeout)
	case f.method == "" && f.data.given:
		f.method = http.MethodPost
	case f.method == "":
		f.method = http.MethodGet
	case !slices.Contains(methods, f.method):
		return unknownName("method", f.method, methods)
	}
	client, err := f.config.load()
	if err != nil {
		return err
	}
	r, err := f.newRequest(ctx, address, std.in)
	if err != nil {
		return err
	}
	out, err := f.openOutput(std.out)
	if err != nil {
		return err
	}
	defer out.discard()
	return f.do(ctx, client, r, out, std)
}

// splitMethod splits -XPOST, as people write it for curl.
func splitMethod(args []string) []string {
	var split []string
	for i, arg := range args {
		method, ok := strings.CutPrefix(arg, "-X")
		if ok && slices.Contains(methods, method) && (i == 0 || args[i-1] != "-d") {
			split = append(split, "-X", method)
			continue
		}
		split = append(split, arg)
	}
	return split
}

// newRequest makes the request. It reads the body, until ctx ends.
func (f *callFlags) newRequest(ctx context.Context, address string, stdin io.Reader) (*http.Request, error) {
	body, err := f.data.read(ctx, stdin)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(f.method, address, body)
	if err != nil {
		return nil, usageError("bad URL: %v", withoutURL(err))
	}
	if f.data.contentType != "" {
		r.Header.Set("Content-Type", f.data.contentType)
	}
	f.headers.apply(r.Header)
	return r, nil
}

// do sends the request and writes the response.
func (f *callFlags) do(ctx context.Context, client *syftevent.Client, r *http.Request, out *output, std stdio) error {
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	waiting := newProgress(std.err)
	web := &http.Client{
		Transport:     &syfthttp.Transport{Client: client, OnSend: waiting.sent},
		CheckRedirect: f.checkRedirect,
	}
	response, err := web.Do(r.WithContext(limited))
	waiting.end()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return f.explain(err, r)
	}
	defer response.Body.Close()
	if f.fail && response.StatusCode >= 400 {
		return f.printFailure(response, std.err)
	}
	return f.print(response, out)
}

// checkRedirect decides whether the http.Client follows a redirect.
func (f *callFlags) checkRedirect(r *http.Request, via []*http.Request) error {
	switch {
	case !f.follow:
		return http.ErrUseLastResponse
	case len(via) > maxRedirects:
		return errRedirects
	case r.URL.Scheme != "syft":
		return fmt.Errorf("redirect to %s leads out of SyftBox; call without -L to see the response", r.URL.Redacted())
	}
	r.Header.Del("Referer") // curl sends none
	return nil
}

// print writes the response to the output.
func (f *callFlags) print(response *http.Response, out *output) error {
	if f.include {
		if err := writeHead(out, response); err != nil {
			return withStatus(exitWrite, err)
		}
	}
	if err := writeBody(out, response.Body); err != nil {
		return err
	}
	if err := out.finish(); err != nil {
		return withStatus(exitWrite, err)
	}
	return nil
}

// printFailure prints a response with a status of 400 or above on standard error, and returns the
// error for -f.
func (f *callFlags) printFailure(response *http.Response, stderr io.Writer) error {
	text := &errorText{w: stderr, escape: isTerminal(stderr)}
	if f.include {
		writeHead(text, response)
	}
	err := writeBody(text, response.Body)
	text.endLine()
	if err != nil {
		return err
	}
	return withStatus(exitStatus, fmt.Errorf("%s responded with status %s", response.Request.URL.User.Username()+"@"+response.Request.URL.Host, response.Status))
}

// explain returns an error with an exit status and advice for a call that failed.
func (f *callFlags) explain(err error, r *http.Request) error {
	err = withoutURL(err)
	whom := r.URL.User.Username() + "@" + r.URL.Host
	timeout, ok := err.(interface{ Timeout() bool })
	switch {
	case errors.Is(err, errRedirects):
		return withStatus(exitRedirects, err)
	case errors.Is(err, syftevent.ErrRejected):
		return withStatus(exitRejected, fmt.Errorf("%w; the app does not exist, or %s has to permit requests from you. An app that was just started for the first time needs some 5 s: call again", syftevent.ErrRejected, whom))
	case ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syftevent.ErrExpired):
		return withStatus(exitTimeout, fmt.Errorf("no response from %s within %v; check that SyftBox runs and that %s is online, or wait longer with -timeout", whom, f.timeout, whom))
	case errors.Is(err, syftevent.ErrNotFound):
		return withStatus(exitLost, fmt.Errorf("SyftBox lost the request to %s; check that SyftBox runs, and call again", whom))
	case errors.Is(err, syftevent.ErrBadResponse):
		return withStatus(exitBadResponse, plainError(err))
	}
	return plainError(err)
}
