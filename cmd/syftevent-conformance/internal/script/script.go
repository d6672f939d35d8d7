package script

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// ServerEmail and App are the datasite and the app under test.
const (
	ServerEmail = "server@example.com"
	App         = "conformance"
)

// Config is the same for all scenarios of a run.
type Config struct {
	Command   target.Command
	Seed      uint64
	Timescale float64 // stretches every wait
}

// A Failure is a check that did not hold.
type Failure struct {
	Line     string // of the script
	Expected string
	Actual   string
	// Dead says that the server has ended, or answers nothing any more. That is
	// a failure whatever the scenario was about.
	Dead bool
}

// A Run is one scenario while it is run. Its fields are used by the script's
// goroutine, and may be read when the script has ended.
type Run struct {
	// Failure is nil unless a check has failed.
	Failure *Failure
	// NotApplicable says why the scenario cannot be run on this system, "" if
	// it can.
	NotApplicable string
	// Dir is the script's directory, "" before Setup.
	Dir string

	config  Config
	ctx     context.Context
	network *boxscript.Network
	process *target.Process
	before  map[string]bool // what was there when the server was ready first
	canaryN int

	second    *target.Process   // the one beside the server
	startTook time.Duration     // until the server was ready
	bursts    map[string]burst  // by their names
	burstN    int               // requests of all bursts
	first     map[string]string // responses as they were read first, by the names of their requests
}

// NewRun prepares a scenario. When ctx is done its waits end.
func NewRun(ctx context.Context, config Config) *Run {
	return &Run{config: config, ctx: ctx, bursts: map[string]burst{}, first: map[string]string{}}
}

// Params returns what testscript needs to run the scenario in a file, below a
// directory.
func (r *Run) Params(file, below string, deadline time.Time) testscript.Params {
	return testscript.Params{
		Files:       []string{file},
		WorkdirRoot: below,
		Deadline:    deadline,
		Setup:       r.setup,
		Cmds:        r.commands(),
	}
}

func (r *Run) setup(env *testscript.Env) error {
	r.Dir = env.WorkDir
	if err := boxscript.Setup(env); err != nil {
		return err
	}
	r.network = boxscript.OfEnv(env)
	r.network.Seed = r.config.Seed
	if err := r.network.Start(filepath.Join(r.Dir, "box"), ServerEmail); err != nil {
		return err
	}
	env.Setenv("BOX_APP", App)
	env.Setenv("SERVER", ServerEmail)
	env.Setenv("RECORD", r.recordPath())
	env.Setenv("RPC", r.rpc())
	env.Defer(func() {
		for _, process := range []*target.Process{r.process, r.second} {
			if process != nil {
				process.Kill()
			}
		}
	})
	return nil
}

// rpc is the folder in which the server's requests arrive.
func (r *Run) rpc() string {
	return filepath.Join(r.network.Server.Datasite(), "app_data", App, "rpc")
}

func (r *Run) recordPath() string { return filepath.Join(r.Dir, "record.log") }

// Stderr returns the end of what the server logged.
func (r *Run) Stderr() string {
	if r.process == nil {
		return ""
	}
	return r.process.StderrTail()
}

type command = func(ts *testscript.TestScript, neg bool, args []string)

func (r *Run) commands() map[string]command {
	commands := boxscript.Commands()
	for name, check := range map[string]func(ts *testscript.TestScript, args []string) error{
		"server":     r.commandServer,
		"whole":      r.commandWhole,
		"canary":     r.commandCanary,
		"unanswered": r.commandUnanswered,
		"ignored":    r.commandIgnored,
		"quiet":      r.commandQuiet,
		"link":       r.commandLink,
		"fifo":       r.commandFIFO,
		"ran":        r.commandRan,
		"confined":   r.commandConfined,
		"burst":      r.commandBurst,
		"starting":   r.commandStarting,
		"answered":   r.commandAnswered,
		"gone":       r.commandGone,
		"orderly":    r.commandOrderly,
		"kept":       r.commandKept,
		"same":       r.commandSame,
		"tidy":       r.commandTidy,
		"touch":      r.commandTouch,
		"swift":      r.commandSwift,
		"schema":     r.commandSchema,
		"requires":   r.commandRequires,
	} {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("unsupported: ! %s", name)
			}
			r.check(ts, name, args, check(ts, args))
		}
	}
	commands["expect"] = func(ts *testscript.TestScript, neg bool, args []string) {
		r.check(ts, "expect", args, r.commandExpect(neg, args))
	}
	commands["permits"] = func(ts *testscript.TestScript, neg bool, args []string) {
		r.check(ts, "permits", args, r.commandPermits(neg, args))
	}
	return commands
}

// mismatch is the error of a check that did not hold. Any other error of a
// command is a mistake of the scenario.
type mismatch struct {
	expected, actual string
	dead             bool
}

// notApplicable is the error of a command for which the system lacks something.
type notApplicable struct{ reason string }

func (n *notApplicable) Error() string { return n.reason }

func (m *mismatch) Error() string {
	return fmt.Sprintf("expected: %s; actual: %s", m.expected, m.actual)
}

// check ends the script if a command has failed.
func (r *Run) check(ts *testscript.TestScript, name string, args []string, err error) {
	if m, ok := err.(*mismatch); ok {
		r.Failure = &Failure{Line: strings.Join(append([]string{name}, args...), " "), Expected: m.expected, Actual: m.actual, Dead: m.dead}
	}
	if n, ok := err.(*notApplicable); ok {
		r.NotApplicable = n.reason
	}
	ts.Check(err)
}

// answerWithin is how long a server may take to answer: long enough for a slow
// machine, and for a server that looks seldom to look many times.
func (r *Run) answerWithin() time.Duration {
	return r.scale(10*time.Second + 20*r.process.Ready().Poll())
}

// quiet is how long nothing must happen before it is said never to.
func (r *Run) quiet() time.Duration {
	return r.scale(r.process.Ready().Settle() + 5*r.process.Ready().Poll())
}

func (r *Run) scale(d time.Duration) time.Duration {
	return time.Duration(float64(d) * r.config.Timescale)
}

// The server is asked to look often, so that scenarios take little time.
var usualOptions = map[string]any{"poll_interval": "20ms", "settle": "300ms"}

func (r *Run) commandServer(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: server start|second|stop|kill")
	}
	switch running := r.process != nil && !r.process.Exited(); {
	case args[0] == "start" && !running:
		return r.start(args[1:])
	case args[0] == "second" && running:
		return r.startSecond()
	case args[0] == "stop" && running:
		if err := r.process.Stop(r.answerWithin()); err != nil {
			return &mismatch{"the server stops when it is told to", err.Error(), true}
		}
		return nil
	case args[0] == "kill" && running:
		r.process.Kill()
		return nil
	case r.process != nil && !running && args[0] != "start":
		return &mismatch{"the server is running", "it has ended (" + r.process.Status() + ")", true}
	}
	return fmt.Errorf("server %s: it is running, or was never started", args[0])
}

// settings are what every server of the scenario is told.
func (r *Run) settings() target.Settings {
	return target.Settings{
		ConfigPath: r.network.Server.ConfigPath(),
		App:        App,
		Options:    maps.Clone(usualOptions),
		RecordPath: r.recordPath(),
		LogDir:     r.Dir,
	}
}

func (r *Run) start(options []string) error {
	settings := r.settings()
	for _, option := range options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("server start: option %q is not KEY=VALUE", option)
		}
		settings.Options[name] = value
		if number, err := strconv.Atoi(value); err == nil {
			settings.Options[name] = number
		}
	}
	began := time.Now()
	process, err := target.Start(r.ctx, r.config.Command, settings)
	if notReady, ok := err.(*target.NotReadyError); ok {
		return &mismatch{"the server becomes ready", notReady.Reason, true}
	}
	if err != nil {
		return err
	}
	r.process, r.startTook = process, time.Since(began)
	if r.before == nil {
		r.before, err = r.files()
	}
	return err
}

// files lists the files and folders of the script by their paths.
func (r *Run) files() (map[string]bool, error) {
	files := map[string]bool{}
	err := filepath.WalkDir(r.Dir, func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a temporary file
		}
		files[name] = true
		return err
	})
	return files, err
}
