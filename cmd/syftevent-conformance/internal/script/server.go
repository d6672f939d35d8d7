package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// UsualOptions returns the options of a server whose scenario chooses none: short
// intervals, so that scenarios are fast.
func UsualOptions() map[string]any {
	return map[string]any{"poll_interval": "20ms", "settle": "300ms", "republish_delay": "300ms"}
}

// A server is the server under test. For the role client it is the process of the client.
type server struct {
	*scene
	process     *target.Process // nil before the first start
	rival       *rival          // the server beside it; nil without one
	options     map[string]any  // of the last start
	startTook   time.Duration   // until it was ready
	lastWords   string          // the log output of a server that was never ready
	told        bool            // it was told to stop, or killed
	descriptors int             // that "descriptors" has recorded
	before      map[string]bool // the paths in the script's directory when it was first ready
	killed      bool
	numbers     int             // of requests and calls that the suite made
	outside     map[string]stat // the files outside the app's folder before its first start, nil if another scenario made it
}

func (s *server) commandServer(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	running := s.process != nil && !s.process.Exited()
	switch verb := args[0]; {
	case verb == "start" && !running:
		if err := s.start(args[1:]); err != nil {
			return err
		}
		ts.Setenv("LONG", fmt.Sprint(s.long().Milliseconds()))
		return nil
	case verb == "second" && running:
		return s.startSecond(args[1:])
	case verb == "takeover" && !running && s.rival != nil:
		return s.takeOver()
	case verb == "stop" && running:
		return s.stop(args[1:])
	case verb == "kill" && running:
		s.told, s.killed = true, true
		s.process.Kill()
		return nil
	case verb == "suspend" && running:
		if errors.Is(s.process.Suspend(), errors.ErrUnsupported) {
			return &notApplicable{"the system has no signals"}
		}
		return nil
	case verb == "resume" && running:
		if err := s.process.Resume(); err != nil {
			return doesNotRead(err)
		}
		return nil
	case s.process != nil && !running && verb != "start":
		return &mismatch{"the " + string(s.config.Role) + " runs", "it has ended (" + s.process.Status() + ")", true}
	}
	return fmt.Errorf("server %s: the server runs already, or was never started", args[0])
}

// settings returns the settings of every server of the scenario.
func (s *server) settings() target.Settings {
	app := s.config.Names.App
	if s.config.Role == target.Client {
		app = "other-" + app // a client takes the app from the url of a call
	}
	return target.Settings{
		ConfigPath: s.network.Server.ConfigPath(),
		App:        app,
		Role:       s.config.Role,
		Options:    UsualOptions(),
		RecordPath: s.recordPath(),
		LogDir:     s.home(),
	}
}

func (s *server) start(options []string) error {
	settings := s.settings()
	for _, option := range options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("server start: option %q is not KEY=VALUE", option)
		}
		settings.Options[name] = optionValue(value)
	}
	s.options = settings.Options
	if s.joinShared() {
		return nil
	}
	s.encrypts = s.encrypts || settings.Options["encryption"] != nil
	s.startWatch(false)
	if s.outside == nil && s.shared == nil {
		var err error
		if s.outside, err = s.listOutside(); err != nil {
			return err
		}
	}
	began := time.Now()
	process, err := target.Start(s.ctx, s.config.Command, settings)
	if notReady, ok := err.(*target.NotReadyError); ok {
		s.lastWords = notReady.Stderr
		return &mismatch{"the " + string(s.config.Role) + " becomes ready", notReady.Reason, true}
	}
	if err != nil {
		return err
	}
	s.process, s.told, s.startTook = process, false, time.Since(began)
	if s.shared != nil {
		s.shared.process = process
	}
	if s.before == nil {
		s.before, err = s.list()
	}
	return err
}

// joinShared uses the shared server, and reports whether it runs.
func (s *server) joinShared() bool {
	if s.shared == nil || s.shared.process == nil || s.told {
		return false // the script itself has stopped it
	}
	s.startWatch(true) // the files of other scenarios are not part of the timeline
	s.process = s.shared.process
	return true
}

// optionValue returns the JSON value of an option: the text itself if it is JSON, such as
// a number, and otherwise a string.
func optionValue(value string) any {
	if json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	return value
}

func (s *server) stop(flags []string) error {
	stop := map[string]func(time.Duration) error{
		"":        s.process.Stop,
		"-signal": s.process.StopBySignal,
		"-input":  s.process.StopByInput,
	}[strings.Join(flags, " ")]
	if stop == nil {
		return errUsage
	}
	s.told = true
	defer context.AfterFunc(s.ctx, s.process.Kill)() // a canceled run does not wait
	switch err := stop(s.answerWithin()); {
	case errors.Is(err, errors.ErrUnsupported):
		return &notApplicable{"the system has no signals"}
	case err != nil:
		return &mismatch{"the " + string(s.config.Role) + " stops when it is told to", err.Error(), true}
	}
	return nil
}

// end kills the servers of the scenario.
func (s *server) end() {
	if s.rival != nil {
		s.rival.end()
	}
	if s.process != nil && s.shared == nil {
		s.process.Kill()
	}
}

func (s *server) exitedByItself() bool {
	return s.process != nil && !s.told && s.process.Exited()
}

func (s *server) stderr() string {
	if s.process == nil || s.lastWords != "" {
		return s.lastWords
	}
	return s.process.StderrTail()
}

// nextNumber returns a number that is new in the network.
func (s *server) nextNumber() int {
	n := &s.numbers
	if s.shared != nil {
		n = &s.shared.numbers
	}
	*n++
	return *n
}

// started returns an error if there is no server.
func (s *server) started() error {
	if s.process == nil {
		return errors.New("the server was never started")
	}
	return nil
}

// answerWithin returns how long the server may take to answer.
func (s *server) answerWithin() time.Duration { return s.config.answerWithin(s.process.Ready()) }

// long returns a time that is long for a handler: many polls, and longer on a slow machine.
func (s *server) long() time.Duration {
	slowMachine := min(3*s.startTook, 5*time.Second)
	return s.config.scale(1500*time.Millisecond + 20*s.process.Ready().Poll() + slowMachine)
}

// pollPause is the pause between two evaluations of a condition.
const pollPause = time.Millisecond

// wait evaluates a condition until it is true. If the server ends or the time is over, it
// returns a mismatch of what was expected and of the condition's state.
func (s *server) wait(within time.Duration, expected string, condition func() (ok bool, state string, err error)) error {
	deadline := time.Now().Add(within)
	for {
		ended := s.process.Exited() // before the condition: the server's last act counts
		ok, state, err := condition()
		switch {
		case ok || err != nil:
			return err
		case s.ctx.Err() != nil:
			return s.ctx.Err()
		case ended:
			return &mismatch{expected, fmt.Sprintf("the %s has ended (%s)", s.config.Role, s.process.Status()), !s.told}
		case time.Now().After(deadline):
			return &mismatch{expected, fmt.Sprintf("%s after %v", state, within), false}
		}
		time.Sleep(pollPause)
	}
}

func (s *server) commandIdle(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	duration, err := time.ParseDuration(args[0])
	if err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	return s.sleep(duration)
}

func (s *server) commandDeclares(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "settle_ms" && args[0] != "poll_ms" {
		return errUsage
	}
	limit, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return fmt.Errorf("declares: %w", err)
	}
	if err := s.started(); err != nil {
		return err
	}
	declared := s.process.Ready().SettleMS
	if args[0] == "poll_ms" {
		declared = s.process.Ready().PollMS
	}
	if declared > limit {
		return &mismatch{fmt.Sprintf("%s of at most %v in the ready line", args[0], limit), fmt.Sprintf("it is %v", declared), false}
	}
	return nil
}

func (s *server) commandRequires(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "max_request_size" && args[0] != "max_response_size" {
		return errUsage
	}
	limit, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return fmt.Errorf("requires: %w", err)
	}
	if err := s.started(); err != nil {
		return err
	}
	size := s.process.Ready().MaxRequestSize
	if args[0] == "max_response_size" {
		size = s.process.Ready().MaxResponseSize
	}
	if size == 0 || size > limit {
		return &notApplicable{fmt.Sprintf("the ready line declares no %s of at most %d", args[0], limit)}
	}
	return nil
}
