package script

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
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
	Delivery  fakebox.Mode // of requests for which a scenario does not choose
	Timescale float64      // stretches every wait
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
	// TooSlow says why the failure proves nothing on this machine, "" if it does: the
	// scenario should run again.
	TooSlow string
	// NotApplicable says why the scenario cannot be run on this system, "" if
	// it can.
	NotApplicable string
	// Dir is the script's directory, "" before Setup.
	Dir string

	config    Config
	ctx       context.Context
	network   *boxscript.Network
	process   *target.Process
	second    *target.Process // the one beside it, nil if there is none
	shared    *Shared         // nil for a server of its own
	startTook time.Duration   // until the server was ready
	lastWords string          // of a server that was never ready
	told      bool            // the server was told to stop, or killed

	before   map[string]bool   // what was there when the server was ready first
	numbers  int               // of requests that are made here
	bursts   map[string]burst  // by their names
	calls    []*boxscript.Call // the requests that "box send" has sent
	first    map[string]string // responses as they were read first, by the names of their requests
	story    *story
	premises premises
	watch    *watch // nil before the server has started
}

// NewRun prepares a scenario. When ctx is done its waits end.
func NewRun(ctx context.Context, config Config) *Run {
	return &Run{config: config, ctx: ctx, story: &story{began: time.Now()}, bursts: map[string]burst{}, first: map[string]string{}, premises: newPremises()}
}

// Events returns what has happened, when the script has ended: its commands, those
// of testscript itself excepted, and from the first start of the server on the
// changes below "rpc" that a watch has seen. The watch ends with the script.
func (r *Run) Events() []Event { return r.story.all() }

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
	r.network.Seed, r.network.Delivery = r.config.Seed, r.config.Delivery
	if err := r.openNetwork(); err != nil {
		return err
	}
	env.Setenv("BOX_APP", App)
	env.Setenv("SERVER", ServerEmail)
	env.Setenv("RECORD", r.recordPath())
	env.Setenv("RPC", r.rpc())
	env.Defer(func() {
		if r.watch != nil {
			r.watch.end()
		}
		if r.process != nil {
			r.noteDeath()
		}
		if r.second != nil {
			r.second.Kill()
		}
		if r.process != nil && r.shared == nil {
			r.process.Kill()
		}
	})
	return nil
}

func (r *Run) openNetwork() error {
	if r.shared != nil {
		return r.network.Adopt(r.shared.box, r.shared.replica)
	}
	return r.network.Start(r.BoxDir(), ServerEmail)
}

// rpc is the folder in which the server's requests arrive.
func (r *Run) rpc() string {
	return filepath.Join(r.network.Server.Datasite(), "app_data", App, "rpc")
}

func (r *Run) recordPath() string { return filepath.Join(r.home(), "record.log") }

// Stderr returns the end of what the server logged.
func (r *Run) Stderr() string {
	if r.process == nil || r.lastWords != "" {
		return r.lastWords
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
		"quiet":      r.commandQuiet,
		"link":       r.commandLink,
		"fifo":       r.commandFIFO,
		"ran":        r.commandRan,
		"confined":   r.commandConfined,
		"burst":      r.commandBurst,
		"starting":   r.commandStarting,
		"answered":   r.commandAnswered,
		"gone":       r.commandGone,
		"cleaned":    r.commandCleaned,
		"appears":    r.commandAppears,
		"present":    r.commandPresent,
		"absent":     r.commandAbsent,
		"identical":  r.commandIdentical,
		"running":    r.commandRunning,
		"trickle":    r.commandTrickle,
		"orderly":    r.commandOrderly,
		"orphaned":   r.commandOrphaned,
		"kept":       r.commandKept,
		"same":       r.commandSame,
		"tidy":       r.commandTidy,
		"touch":      r.commandTouch,
		"remove":     r.commandRemove,
		"unrun":      r.commandUnrun,
		"swift":      r.commandSwift,
		"schema":     r.commandSchema,
		"requires":   r.commandRequires,
		"declares":   r.commandDeclares,
		"took":       r.commandTook,
		"wide":       r.commandWide,
		"memory":     r.commandMemory,
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
	commands["says"] = func(ts *testscript.TestScript, neg bool, args []string) {
		r.check(ts, "says", args, r.commandSays(neg, args))
	}
	commands["permits"] = func(ts *testscript.TestScript, neg bool, args []string) {
		r.check(ts, "permits", args, r.commandPermits(neg, args))
	}
	for name, carryOut := range commands {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if r.watch != nil {
				r.watch.look() // what was there before, if only for a moment
			}
			r.story.tell(Commanded, r.commandText(name, neg, args), -1)
			began := time.Now()
			carryOut(ts, neg, args)
			if name == "box" {
				r.delivered(args, began)
			}
		}
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
	m, failed := err.(*mismatch)
	if failed && !m.dead && r.premises.broken != "" {
		err, failed = &tooSlow{r.premises.broken}, false
	}
	if t, ok := err.(*tooSlow); ok {
		r.TooSlow = t.reason
	}
	if failed {
		r.Failure = &Failure{Line: strings.Join(append([]string{name}, args...), " "), Expected: m.expected, Actual: m.actual, Dead: m.dead}
	}
	if n, ok := err.(*notApplicable); ok {
		r.NotApplicable = n.reason
	}
	ts.Check(err)
}

// answerWithin is how long the server may take to answer.
func (r *Run) answerWithin() time.Duration { return r.config.answerWithin(r.process.Ready()) }

// quiet is how long nothing must happen before it is said never to.
func (r *Run) quiet() time.Duration {
	return r.config.scale(r.process.Ready().Settle() + 5*r.process.Ready().Poll())
}

// files lists the files of the script by their paths, and whether each is a folder.
func (r *Run) files() (map[string]bool, error) {
	files := map[string]bool{}
	err := filepath.WalkDir(r.Dir, func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a temporary file
		}
		files[name] = d != nil && d.IsDir()
		return err
	})
	return files, err
}
