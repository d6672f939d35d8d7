package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
	"github.com/syftevent/syftevent-go/syftevent"
)

// runTarget is a server that is wrong in one way.
func runTarget(name string) int {
	if bad, ok := badTargets[name]; ok {
		return bad()
	}
	switch name {
	case "exit":
		fmt.Fprintln(os.Stderr, "the last words")
		return 7
	case "silent":
		fmt.Fprintln(os.Stderr, "still thinking")
		time.Sleep(time.Minute)
		return 0
	case "ready-without-name":
		fmt.Println(`{"ready":true,"poll_ms":20}`)
		time.Sleep(time.Minute)
		return 0
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		return serveWith(io.MultiReader(os.Stdin, endless{}), nil)
	case "chatter":
		fmt.Println("loading plugins ...")
		fmt.Println(`{"ready":false}`)
		fmt.Println(strings.Repeat("x", 1<<20))
		return serveWith(os.Stdin, nil)
	case "fail-200":
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/fail": answer(200)})
	case "fail-503":
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/fail": answer(503)})
	case "die-at-echo":
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/echo": die})
	case "die-at-slow":
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/slow": die})
	}
	fmt.Fprintf(os.Stderr, "unknown target %q\n", name)
	return exitUsage
}

func die(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	fmt.Fprintf(os.Stderr, "dying at %s\n", req.URL.Endpoint())
	os.Exit(9)
	return nil, nil
}

func answer(status int) syftevent.HandlerFunc {
	return func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(status, "all is well"), nil
	}
}

// serveWith is the reference with some handlers replaced.
func serveWith(stdin io.Reader, replaced map[string]syftevent.HandlerFunc) int {
	endpoints := reference.Endpoints(os.Getenv("SYFTEVENT_RECORD"))
	for pattern, handler := range replaced {
		endpoints[pattern] = handler
	}
	t := reference.Target{
		Endpoints: endpoints, Version: "test", Getenv: os.Getenv,
		Stdin: stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	if err := t.Serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// endless is a reader that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return len(p), nil
}
