package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// outcome runs a script that needs no server.
func outcome(t *testing.T, text string) Result {
	t.Helper()
	return outcomeOf(t, Config{}, text)
}

func outcomeOf(t *testing.T, config Config, text string) Result {
	t.Helper()
	config.Dir, config.Config = t.TempDir(), script.Config{Timescale: 1}
	covers := []spec.Requirement{{ID: "x", Level: spec.Must, Class: "core"}}
	var results []Result
	Run(t.Context(), config, target.Ready{}, []scenario.Scenario{{ID: "x", Covers: covers, Script: []byte(text)}}, func(r Result) {
		results = append(results, r)
	})
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

func TestOutcomes(t *testing.T) {
	tests := []struct {
		name, script string
		want         Outcome
		expected     string // of the failure
		problem      string
	}{
		{"empty", "", Pass, "", ""},
		{"checks that hold", "present $WORK a\nabsent $WORK/none\nidentical a a\n-- a --\nx\n", Pass, "", ""},
		{"present fails", "present none\n", Fail, "none exists", ""},
		{"absent fails", "absent a\n-- a --\n", Fail, "a does not exist", ""},
		{"identical fails", "identical b a\n-- a --\nx\n-- b --\ny\n", Fail, "b has the content of a", ""},
		{"a check of testscript's own fails", "exists none\n", CouldNotTest, "", "none does not exist"},
		{"an unknown command", "frobnicate\n", CouldNotTest, "", "unknown command"},
		{"a command used wrongly", "server\n", CouldNotTest, "", "usage: server"},
		{"a command before the start", "canary\n", CouldNotTest, "", "never started"},
		{"an unknown request", "box finish none\n", CouldNotTest, "", "unknown request"},
		{"a skip", "skip because\n", CouldNotTest, "", "skipped itself"},
		{"no quote", "exists 'x\n", CouldNotTest, "", "unterminated"},
	}
	for _, test := range tests {
		got := outcome(t, test.script)
		expected := ""
		if got.Failure != nil {
			expected = got.Failure.Expected
		}
		if got.Outcome != test.want || (expected == "") != (test.expected == "") || !strings.Contains(expected, test.expected) || !strings.Contains(got.Problem, test.problem) {
			t.Errorf("%s: %s, expected %q, problem %q", test.name, got.Outcome, expected, got.Problem)
		}
	}
}

func TestPanicIsNotTheServersFailure(t *testing.T) {
	recorder := &recorder{}
	recorder.protect(func() {
		recorder.Run("x", func(testscript.T) { panic("boom") })
	})
	if got := recorder.result(script.NewRun(t.Context(), script.Config{})); got.Outcome != CouldNotTest || !strings.Contains(got.Problem, "panic: boom") {
		t.Errorf("%s: %s", got.Outcome, got.Problem)
	}
}

func TestPassKeepsEventsIfConfigured(t *testing.T) {
	commands := func(r Result) (commands []string) {
		for _, e := range r.Events {
			commands = append(commands, e.What)
		}
		return commands
	}
	const passes, fails = "box journal file\n", "box journal file\ncanary\n"
	for _, test := range []struct {
		name, script string
		config       Config
		want         []string
	}{
		{"pass", passes, Config{}, nil},
		{"failure", fails, Config{}, []string{"box journal file", "canary"}},
		{"pass, all events", passes, Config{AllEvents: true}, []string{"box journal file"}},
		{"pass, kept", passes, Config{Keep: true}, []string{"box journal file"}},
	} {
		if diff := cmp.Diff(test.want, commands(outcomeOf(t, test.config, test.script))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestTooSlowIsNotTheServersFailure(t *testing.T) {
	run := script.NewRun(t.Context(), script.Config{})
	run.TooSlow = "the next piece took 2s"
	got := (&recorder{failed: true}).result(run)
	if got.Outcome != CouldNotTest || !got.TooSlow || !strings.Contains(got.Problem, "machine too slow: the next piece took 2s") {
		t.Errorf("%+v", got)
	}
}
