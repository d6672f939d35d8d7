// Package mutantclient is a second client of the contract in SPEC.md, Appendix A, that is
// wrong on purpose. With one of its [Defects] it violates a requirement of section 13, and
// the scenarios of that requirement must fail. Without a defect it meets every requirement.
//
// It shares no code with the library, the reference client and the simulator. One loop reads
// the calls, sends the requests and polls for the responses, so there are no locks.
package mutantclient

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// A defect is the name of the client's defect, or mutant.None.
type defect string

func (d defect) has(name string) bool { return string(d) == name }

// A client is the state of one process.
type client struct {
	settings
	defect
	stdout io.Writer
	log    *slog.Logger

	folders  map[string]*folder // by path
	queue    []*pending         // to send, or to send again
	lastSend time.Time
	inFlight int // calls whose request has been sent
	accepted int // calls that were read
	open     int // calls without a result

	lastCollect time.Time
	fatal       error // ends the client
	defectState
}

// A folder is the client's own folder of one endpoint.
type folder struct {
	dir     string
	created time.Time           // when the client created it, or zero
	active  map[int]*pending    // sent, by the position in the input
	removed map[string]*removal // by stem
}

// A pending is a call that has no result yet.
type pending struct {
	call
	address
	seq int // the position of the call in the input
	dir string

	stem    string
	data    []byte // the bytes of the request
	expires time.Time
	sent    bool
	done    bool

	nudged       bool
	response     tracker
	missingSince time.Time // zero while the request exists
	conflicts    int       // markers of conflicts beside the request
	resends      int
	pendingDefectState
}

func (p *pending) requestName() string { return p.stem + requestSuffix }

func (p *pending) responseName() string { return p.stem + responseSuffix }

const (
	requestSuffix  = ".request"
	responseSuffix = ".response"
)

// Run makes the calls in stdin and writes their results to stdout. It returns when stdin has
// ended and every call has its result, or when ctx is canceled. name is one of Defects, or
// mutant.None.
func Run(ctx context.Context, name string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	c, err := newClient(name, getenv, stdout, stderr)
	if err != nil {
		return err
	}
	if err := c.printReady(); err != nil {
		return err
	}
	lines := make(chan []byte)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// This goroutine ends with standard input or with the program.
	go readLines(ctx, stdin, lines)
	defer c.unlockFolders()
	return c.run(ctx, lines)
}

func newClient(name string, getenv func(string) string, stdout, stderr io.Writer) (*client, error) {
	if _, ok := Defects.Find(name); !ok && name != mutant.None {
		return nil, fmt.Errorf("unknown defect %q of a client", name)
	}
	settings, err := readSettings(getenv)
	if err != nil {
		return nil, err
	}
	return &client{
		settings: settings, defect: defect(name), stdout: stdout,
		log:     slog.New(slog.NewTextHandler(stderr, nil)),
		folders: map[string]*folder{},
	}, nil
}

// readLines sends each line of a reader, and closes the channel when it has ended.
func readLines(ctx context.Context, r io.Reader, lines chan<- []byte) {
	defer close(lines)
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// run reads, sends and polls until all is done, ctx is canceled or the client fails.
func (c *client) run(ctx context.Context, lines <-chan []byte) error {
	poll := time.NewTicker(c.poll)
	defer poll.Stop()
	for c.fatal == nil && (lines != nil || c.open > 0) {
		select {
		case line, ok := <-lines:
			if !ok {
				lines = nil
				continue
			}
			c.accept(line)
		case <-c.nextSend():
			c.sendNext()
		case <-poll.C:
			c.scan()
		case <-ctx.Done():
			c.abandon()
			return c.fatal
		}
	}
	return c.fatal
}

// accept queues the call of a line.
func (c *client) accept(line []byte) {
	made, err := parseCall(line)
	if made.number == nil {
		if err != nil {
			c.log.Warn("line ignored", "reason", err)
		}
		return
	}
	p := &pending{call: made, seq: c.accepted}
	c.accepted++
	c.open++
	if err == nil {
		p.address, err = c.parseURL(made.url)
	}
	if err != nil {
		c.deliver(p, failure("invalid", "%v", err))
		return
	}
	p.dir = c.folderOf(p.address)
	c.queue = append(c.queue, p)
}

// abandon ends all calls, and withdraws their requests.
func (c *client) abandon() {
	stopped := failure("other", "client stopped")
	for _, f := range c.folders {
		for _, p := range f.active {
			c.finish(f, p, nil, stopped)
		}
	}
	for _, p := range c.queue {
		if !p.done {
			c.deliver(p, stopped)
		}
	}
}

// folder returns the state of a directory.
func (c *client) folder(dir string) *folder {
	f, known := c.folders[dir]
	if !known {
		f = &folder{dir: dir, active: map[int]*pending{}, removed: map[string]*removal{}}
		c.folders[dir] = f
		c.enterFolder(f)
	}
	return f
}

func (c *client) printReady() error {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	line, err := json.Marshal(map[string]any{
		"ready":             true,
		"role":              "client",
		"implementation":    "syftevent-go mutant client",
		"version":           string(c.defect),
		"features":          []string{"cached"},
		"poll_ms":           ms(c.poll),
		"settle_ms":         ms(c.settle),
		"resend_ms":         ms(resendDelays[0]),
		"max_response_size": c.maxSize,
	})
	if err != nil {
		return fmt.Errorf("encode ready line: %w", err)
	}
	if _, err := fmt.Fprintf(c.stdout, "%s\n", line); err != nil {
		return fmt.Errorf("print ready line: %w", err)
	}
	return nil
}
