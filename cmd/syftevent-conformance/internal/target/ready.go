package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Ready is the line that a server or client prints when it is ready.
type Ready struct {
	Ready          bool     `json:"ready"`
	Role           Role     `json:"role"`
	Implementation string   `json:"implementation"`
	Version        string   `json:"version"`
	Features       []string `json:"features"`
	PollMS         float64  `json:"poll_ms"`
	SettleMS       float64  `json:"settle_ms"`
	RepublishMS    float64  `json:"republish_ms"`
	OrphanMS       float64  `json:"orphan_ms"`
	MaxRequestSize int64    `json:"max_request_size"`
	// ResendMS and MaxResponseSize are those of a client.
	ResendMS        float64 `json:"resend_ms"`
	MaxResponseSize int64   `json:"max_response_size"`
	// SkippedLines is the number of lines that the server printed before this one.
	SkippedLines int `json:"-"`
}

// MaxPoll is the longest poll interval for which the suite waits (SPEC.md,
// [detect-timely]).
const MaxPoll = 10 * time.Second

// Poll returns the longest time between two scans, at most [MaxPoll].
func (r Ready) Poll() time.Duration {
	return min(MaxPoll, time.Duration(r.PollMS*float64(time.Millisecond)))
}

// Settle returns how long an incomplete file must not change before it is malformed.
func (r Ready) Settle() time.Duration { return time.Duration(r.SettleMS * float64(time.Millisecond)) }

// Republish returns how long a response must be missing before the server republishes
// it. 0 means at once or never.
func (r Ready) Republish() time.Duration {
	return time.Duration(r.RepublishMS * float64(time.Millisecond))
}

// Resend returns how long a request must be missing before a client sends it again. 0 means never.
func (r Ready) Resend() time.Duration { return time.Duration(r.ResendMS * float64(time.Millisecond)) }

// Orphan returns how long a response must be without its request before the server
// removes it. 0 means never.
func (r Ready) Orphan() time.Duration { return time.Duration(r.OrphanMS * float64(time.Millisecond)) }

// awaitReady waits for the ready line.
func (p *Process) awaitReady(ctx context.Context, timeout time.Duration) error {
	var output readyReader
	notReady := func(format string, args ...any) error {
		return &NotReadyError{Reason: fmt.Sprintf(format, args...), Stderr: p.StderrTail()}
	}
	stdout, err := os.Open(p.stdoutPath())
	if err != nil {
		return fmt.Errorf("read the server's output: %w", err)
	}
	defer stdout.Close()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		// This comes before the read, so that the last output is read.
		exited := p.Exited()
		found, more, err := output.readFrom(stdout)
		switch {
		case err != nil:
			return notReady("%v", err)
		case found:
			p.ready = output.ready
			return nil
		case output.size > maxOutput:
			return notReady("no ready line in the first %d MiB of standard output; it printed %s", maxOutput>>20, output.describe())
		case exited && !more && output.size == 0:
			return notReady("it exited first (%s)", p.Status())
		case exited && !more:
			return notReady("it exited first (%s); it printed %s", p.Status(), output.describe())
		case time.Now().After(deadline):
			return notReady("no ready line on standard output within %v; it printed %s (does it flush its output?)", timeout, output.describe())
		}
		select {
		case <-tick.C:
		case <-p.exited:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// maxInterval is the largest interval that a ready line may declare, in milliseconds.
const maxInterval = 3_600_000

// parseReady parses a line. It reports false if the line is not meant as the ready line.
func parseReady(line []byte) (ready Ready, ok bool, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil || string(members["ready"]) != "true" {
		return ready, false, nil
	}
	ready.SettleMS, ready.Role = 2000, Server
	if err := json.Unmarshal(line, &ready); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) {
			err = fmt.Errorf("%q is a %s", wrongType.Field, wrongType.Value)
		}
		return ready, true, fmt.Errorf("malformed ready line: %w (see SPEC.md, Appendix A): %s", err, bytes.TrimSpace(line[:min(len(line), maxShown)]))
	}
	for _, name := range []string{"implementation", "version", "features", "poll_ms"} {
		if _, there := members[name]; !there {
			return ready, true, fmt.Errorf("ready line lacks %q: %s", name, bytes.TrimSpace(line))
		}
	}
	wrong := ""
	switch {
	case ready.Implementation == "":
		wrong = `"implementation" must not be empty`
	case ready.PollMS <= 0 || ready.PollMS > maxInterval:
		wrong = `"poll_ms" must be more than 0 and at most one hour`
	case ready.SettleMS < 0 || ready.SettleMS > maxInterval:
		wrong = `"settle_ms" must be at least 0 and at most one hour`
	case ready.RepublishMS < 0 || ready.RepublishMS > maxInterval:
		wrong = `"republish_ms" must be at least 0 and at most one hour`
	case ready.OrphanMS < 0 || ready.OrphanMS > maxInterval:
		wrong = `"orphan_ms" must be at least 0 and at most one hour`
	case ready.MaxRequestSize < 0:
		wrong = `"max_request_size" must be at least 0`
	case ready.ResendMS < 0 || ready.ResendMS > maxInterval:
		wrong = `"resend_ms" must be at least 0 and at most one hour`
	case ready.MaxResponseSize < 0:
		wrong = `"max_response_size" must be at least 0`
	}
	if wrong != "" {
		return ready, true, fmt.Errorf("ready line: %s: %s", wrong, bytes.TrimSpace(line))
	}
	return ready, true, nil
}
