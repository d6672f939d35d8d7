package script

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/x3dh"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// Config is the configuration of all scenarios of a run.
type Config struct {
	// Command starts the server under test.
	Command target.Command
	// Seed is the seed of the network and of request ids.
	Seed uint64
	// Names are the names of the run. Defaults to Examples.
	Names Names
	// Role is what the program under test does. Defaults to target.Server.
	Role target.Role
	// Delivery is how requests are delivered if the scenario does not choose.
	Delivery fakebox.Mode
	// LooseTimeline lets a command be out of order with the file changes just before it. With
	// hundreds of commands and folders it saves time.
	LooseTimeline bool
	// Timescale is the factor for every deadline.
	Timescale float64
}

// A Failure is a check that failed.
type Failure struct {
	// Line is the command.
	Line string
	// Expected and Actual describe the check.
	Expected string
	Actual   string
	// Dead reports whether the server exited or stopped answering. That is a failure
	// whatever the scenario tests.
	Dead bool
	// Requirements lists the ids of the requirements that the server violates, if these are
	// only some of those that the scenario covers. Nil means that this is not known.
	Requirements []string
}

// A Run is one run of a scenario. Its fields may be read once the script has ended.
type Run struct {
	// Failure is the check that failed, nil if none did.
	Failure *Failure
	// TooSlow is the reason why a failed check proves nothing on this machine, "" if it
	// does. The scenario should run again.
	TooSlow string
	// NotApplicable is the reason why the scenario does not apply here, "" if it does.
	NotApplicable string
	// Dir is the script's directory, "" before Setup.
	Dir string

	scene     *scene
	server    *server
	requests  *requests
	responses *responses
	crypt     *crypt
	handlers  *handlers
	workers   *workers
	vectors   *vectorRunner
	files     *files
	client    *client
}

// NewRun prepares a scenario. Its waits end when ctx is done.
func NewRun(ctx context.Context, config Config) *Run {
	config.Names, config.Role = config.Names.OrExamples(), cmp.Or(config.Role, target.Server)
	scene := &scene{config: config, ctx: ctx, timeline: &timeline{began: time.Now()}, premises: newPremises()}
	server := &server{scene: scene}
	requests := &requests{server: server, bursts: map[string]burst{}}
	handlers := &handlers{requests: requests, mayRepeat: map[string]bool{}}
	responses := &responses{requests: requests, first: map[string]string{}}
	return &Run{
		scene:     scene,
		server:    server,
		requests:  requests,
		responses: responses,
		crypt:     &crypt{responses: responses, people: map[string]*x3dh.Keys{}, sent: map[string]*cryptedCall{}},
		handlers:  handlers,
		workers:   &workers{handlers: handlers, processes: map[string]*target.Process{}, joined: map[string]bool{}},
		vectors:   &vectorRunner{handlers: handlers},
		files:     &files{requests: requests},
		client:    &client{server: server, bursts: map[string][]*clientCall{}},
	}
}

// Share lets the scenario use a server that has served other scenarios. It must be called
// before [Run.Params]. The script must not stop the server, and must not depend on files
// that other scenarios left in the network.
func (r *Run) Share(s *Shared) { r.scene.shared, r.workers.processes = s, s.workers }

// Observe checks the invariants while the scenario runs, as [Run.Violations] returns them. It must
// be called before [Run.Params].
func (r *Run) Observe(script []byte) { r.scene.script = string(script) }

// Violations returns the first violation of each invariant, by its id, once the script has ended.
// observed is false if no server ran, or Observe was not called.
func (r *Run) Violations() (violations map[string]*Failure, observed bool) {
	if r.scene.observer == nil {
		return nil, false
	}
	return r.scene.observer.violations(), true
}

// Events returns the timeline of the scenario once the script has ended: the commands of
// the suite, and the file changes below "rpc" since the server's first start.
func (r *Run) Events() []Event { return r.scene.timeline.all() }

// BoxDir returns the folder of the scenario's network, "" before Setup.
func (r *Run) BoxDir() string { return r.scene.boxDir() }

// Stderr returns the end of the server's log output.
func (r *Run) Stderr() string { return r.server.stderr() }

// Params returns the testscript parameters for a scenario's file. The script's directory
// is created below root.
func (r *Run) Params(file, root string, deadline time.Time) testscript.Params {
	return testscript.Params{
		Files:       []string{file},
		WorkdirRoot: root,
		Deadline:    deadline,
		Setup:       r.setup,
		Cmds:        r.testscriptCommands(),
	}
}

func (r *Run) setup(env *testscript.Env) error {
	r.Dir = env.WorkDir
	r.scene.dir = env.WorkDir
	if err := boxscript.Setup(env); err != nil {
		return err
	}
	if err := r.scene.open(boxscript.FromEnv(env)); err != nil {
		return err
	}
	env.Setenv("BOX_APP", r.scene.config.Names.App)
	env.Setenv("SERVER", r.scene.config.Names.Server)
	env.Setenv("CLIENT", r.scene.config.Names.Client)
	env.Setenv("RECORD", r.scene.recordPath())
	env.Setenv("RPC", r.scene.rpc())
	// Times whose offset makes them past, although their text is in the future, and the reverse.
	now := time.Now()
	env.Setenv("PAST_EAST", now.Add(-time.Hour).In(time.FixedZone("", 14*3600)).Format(time.RFC3339))
	env.Setenv("PAST_HALF", now.Add(-10*time.Minute).In(time.FixedZone("", 5*3600+1800)).Format(time.RFC3339))
	env.Setenv("PAST_NAIVE", now.Add(-10*time.Minute).UTC().Format("2006-01-02T15:04:05"))
	env.Setenv("FUTURE_WEST", now.Add(time.Hour).In(time.FixedZone("", -12*3600)).Format(time.RFC3339))
	env.Defer(func() {
		r.scene.endWatch()
		r.files.end()
		r.noteExit()
		r.server.end()
		r.workers.end()
		if err := (endChecks{r.handlers}).check(); err != nil {
			env.T().Fatal(err)
		}
	})
	return nil
}

// noteExit records a failure if a server exited on its own without a check noticing.
func (r *Run) noteExit() {
	if r.Failure != nil || r.NotApplicable != "" {
		return
	}
	which, process := string(r.scene.config.Role), r.server.process
	if !r.server.exitedByItself() {
		name := r.workers.exited()
		if name == "" {
			return
		}
		which, process = fmt.Sprintf("worker %q", name), r.workers.processes[name]
	}
	r.Failure = &Failure{
		Line: "the end of the script", Dead: true,
		Expected: fmt.Sprintf("the %s runs until it is told to stop", which),
		Actual:   fmt.Sprintf("it has ended (%s)", process.Status()),
	}
}

// mismatch is the error of a check that failed. Other errors of commands, except tooSlow
// and notApplicable, are mistakes of the scenario or the suite.
type mismatch struct {
	expected, actual string
	dead             bool
}

func (m *mismatch) Error() string {
	return fmt.Sprintf("expected: %s; actual: %s", m.expected, m.actual)
}

// tooSlow is the error of a check that proves nothing because the suite was too slow.
type tooSlow struct{ reason string }

func (t *tooSlow) Error() string { return "machine too slow: " + t.reason }

// notApplicable is the error of a command that the system or the server does not support.
type notApplicable struct{ reason string }

func (n *notApplicable) Error() string { return n.reason }

// finish records the result of a command, and ends the script if the command failed.
func (r *Run) finish(ts *testscript.TestScript, name string, args []string, err error) {
	m, failed := err.(*mismatch)
	if failed && !m.dead && r.scene.premises.broken != "" {
		err, failed = &tooSlow{r.scene.premises.broken}, false
	}
	if failed {
		r.Failure = &Failure{Line: strings.Join(append([]string{name}, args...), " "), Expected: m.expected, Actual: m.actual, Dead: m.dead, Requirements: r.vectors.violated}
	}
	switch e := err.(type) {
	case *tooSlow:
		r.TooSlow = e.reason
	case *notApplicable:
		r.NotApplicable = e.reason
	}
	ts.Check(err)
}
