package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// UsualOptions are what a server is asked for unless a scenario says otherwise: to
// look often, so that scenarios take little time.
func UsualOptions() map[string]any {
	return map[string]any{"poll_interval": "20ms", "settle": "300ms", "republish_delay": "300ms"}
}

func (r *Run) commandServer(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: server start|second|stop|kill")
	}
	switch running := r.process != nil && !r.process.Exited(); {
	case args[0] == "start" && !running:
		err := r.start(args[1:])
		if err == nil {
			ts.Setenv("LONG", fmt.Sprint(r.long().Milliseconds()))
		}
		return err
	case args[0] == "second" && running:
		return r.startSecond()
	case args[0] == "stop" && running:
		return r.stop(args[1:])
	case args[0] == "kill" && running:
		r.told = true
		r.process.Kill()
		return nil
	case r.process != nil && !running && args[0] != "start":
		return &mismatch{"the server is running", "it has ended (" + r.process.Status() + ")", true}
	}
	return fmt.Errorf("server %s: it is running, or was never started", args[0])
}

// stop tells the server to stop, by one of the ways or both.
func (r *Run) stop(flags []string) error {
	ways := map[string]func(time.Duration) error{
		"":        r.process.Stop,
		"-signal": r.process.StopBySignal,
		"-input":  r.process.StopByInput,
	}
	stop := ways[strings.Join(flags, " ")]
	if stop == nil {
		return fmt.Errorf("usage: server stop [-signal | -input]")
	}
	r.told = true
	// A run that is cancelled does not wait for it.
	defer context.AfterFunc(r.ctx, r.process.Kill)()
	switch err := stop(r.answerWithin()); {
	case errors.Is(err, errors.ErrUnsupported):
		return &notApplicable{"there are no signals here"}
	case err != nil:
		return &mismatch{"the server stops when it is told to", err.Error(), true}
	}
	return nil
}

// settings are what every server of the scenario is told.
func (r *Run) settings() target.Settings {
	return target.Settings{
		ConfigPath: r.network.Server.ConfigPath(),
		App:        App,
		Options:    UsualOptions(),
		RecordPath: r.recordPath(),
		LogDir:     r.home(),
	}
}

// long is how long a handler takes that others are not to wait for: many looks.
func (r *Run) long() time.Duration {
	slowMachine := min(3*r.startTook, 5*time.Second)
	return r.config.scale(1500*time.Millisecond + 20*r.process.Ready().Poll() + slowMachine)
}

func (r *Run) start(options []string) error {
	if r.joinShared() {
		return nil
	}
	settings := r.settings()
	for _, option := range options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("server start: option %q is not KEY=VALUE", option)
		}
		settings.Options[name] = optionValue(value)
	}
	if r.watch == nil {
		r.watch = startWatch(r.rpc(), r.story, false)
	}
	began := time.Now()
	process, err := target.Start(r.ctx, r.config.Command, settings)
	if notReady, ok := err.(*target.NotReadyError); ok {
		r.lastWords = notReady.Stderr
		return &mismatch{"the server becomes ready", notReady.Reason, true}
	}
	if err != nil {
		return err
	}
	r.process, r.told, r.startTook = process, false, time.Since(began)
	if r.shared != nil {
		r.shared.process = process
	}
	if r.before == nil {
		r.before, err = r.files()
	}
	return err
}

// optionValue is what stands for a value in JSON: what is JSON, such as a number, for
// itself, and else a string.
func optionValue(value string) any {
	if json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	return value
}

// noteDeath makes it a failure that the server has ended by itself, when the script
// has ended without asking.
func (r *Run) noteDeath() {
	if r.told || r.Failure != nil || r.NotApplicable != "" || !r.process.Exited() {
		return
	}
	r.Failure = &Failure{
		Line: "the end of the script", Dead: true,
		Expected: "the server runs until it is told to stop",
		Actual:   fmt.Sprintf("the server has ended (%s)", r.process.Status()),
	}
}
