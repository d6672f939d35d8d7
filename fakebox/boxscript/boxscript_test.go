package boxscript_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

func TestScripts(t *testing.T) {
	permissions, err := filepath.Abs("../testdata/syft.pub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	commands := boxscript.Commands()
	// answer responds to all existing requests, as a server would.
	commands["answer"] = func(ts *testscript.TestScript, neg bool, args []string) {
		requests, err := filepath.Glob(filepath.Join(ts.Getenv("DATASITE"), "app_data/app/rpc/*/*/*.request"))
		ts.Check(err)
		for _, request := range requests {
			name := strings.TrimSuffix(request, ".request") + ".response"
			time.AfterFunc(10*time.Millisecond, func() { os.WriteFile(name, []byte(`{"status_code":200}`), 0o644) })
		}
	}
	// permit allows each sender to write in a folder of their own.
	commands["permit"] = func(ts *testscript.TestScript, neg bool, args []string) {
		rpc := filepath.Join(ts.Getenv("DATASITE"), "app_data/app/rpc")
		ts.Check(os.MkdirAll(rpc, 0o755))
		data, err := os.ReadFile(permissions)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(rpc, "syft.pub.yaml"), data, 0o644))
	}
	// answering responds to all requests until the test ends.
	commands["answering"] = func(ts *testscript.TestScript, neg bool, args []string) {
		pattern := filepath.Join(ts.Getenv("DATASITE"), "app_data/app/rpc/echo/*/*.request")
		go func() {
			for t.Context().Err() == nil {
				requests, _ := filepath.Glob(pattern)
				for _, request := range requests {
					name := strings.TrimSuffix(request, ".request") + ".response"
					if _, err := os.Stat(name); err != nil {
						os.WriteFile(name, []byte(`{"status_code":200}`), 0o644)
					}
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	setup := func(env *testscript.Env) error {
		env.Setenv("BOX_TIMEOUT", "5m") // only for commands that hang
		return boxscript.Setup(env)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: setup, Cmds: commands})
}

func TestCommandsRejectInvalidArguments(t *testing.T) {
	for script, want := range map[string]string{
		"box fly":                             "usage: box again|client|delete|deliver|fault",
		"box sync":                            "no network",
		"box start":                           "usage: box start",
		"box start bob":                       "not an e-mail address",
		"box start -speed -1 bob@x.org":       "speed -1 is negative",
		"box start -download bird bob@x.org":  "want one of websocket",
		"START\nbox fault flood":              "want one of burst-loss, dead-zone",
		"START\nbox fault torn 0":             "count 0 is less than 1",
		"START\nbox fault torn few":           "not a number of files",
		"START\nbox offline carol@x.org":      "carol@x.org has not joined",
		"START\nbox fault -response skew":     "it strikes no files with the suffix .response",
		"START\nbox fault -request offline":   "it strikes no files with the suffix .request",
		"START\nbox fault -request -response": "usage: box fault",
		"START\nbox folder e":                 "client@example.com has not joined",
		"START\nbox folder":                   "usage: box folder",
		"START\nbox speed fast":               "not a number",
		"START\nbox speed 0":                  "speed 0 is not positive",
		"START\nbox client stop":              "usage: box client",
		"START\nbox client stop carol@x.org":  "carol@x.org has not joined",
		"START\nbox client stop bob@x.org":    "not running",
		"START\nbox hub start":                "already running",
		"START\nbox hub":                      "usage: box hub",
		"START\nbox send x e\nbox delete x":   `SyftBox does not carry the request "x"`,
		"START\nbox send -to c@x.org x e":     "-to needs box sync",
		"START\nbox wait -lost -gone x":       "usage: box wait",
		"START\nenv BOX_TIMEOUT=1ms\nbox send x e\nbox wait -lost x": `neither the request "x" nor its response was lost`,
		"START\nbox wait x":         `unknown request "x"`,
		"START\nbox deliver ../x f": "not a clean relative path inside the datasite",
	} {
		dir := t.TempDir()
		script = strings.ReplaceAll(script, "START", "box start bob@x.org") + "\n-- f --\nx\n"
		if err := os.WriteFile(filepath.Join(dir, "s.txtar"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		failed := &failure{}
		testscript.RunT(failed, testscript.Params{Dir: dir, Setup: boxscript.Setup, Cmds: boxscript.Commands()})
		if !strings.Contains(failed.log.String(), want) {
			t.Errorf("%q: log does not contain %q:\n%s", script, want, failed.log.String())
		}
	}
}

// A failure is a testscript.T that records the log of a failing script.
type failure struct{ log strings.Builder }

func (f *failure) Run(name string, run func(testscript.T)) {
	defer func() { recover() }()
	run(f)
}

func (f *failure) Log(args ...any)   { fmt.Fprintln(&f.log, args...) }
func (f *failure) Fatal(args ...any) { f.Log(args...); f.FailNow() }
func (f *failure) FailNow()          { panic("failed") }
func (f *failure) Skip(args ...any)  { panic("skipped") }
func (f *failure) Parallel()         {}
func (f *failure) Verbose() bool     { return false }
