package boxscript_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// A real test calls testscript.Run(t, params), and its scripts start a server instead of
// using the command "respond".
func Example() {
	commands := boxscript.Commands()
	commands["respond"] = func(ts *testscript.TestScript, neg bool, args []string) {
		requests, err := filepath.Glob(filepath.Join(ts.Getenv("DATASITE"), "app_data/app/rpc/greet/*/*.request"))
		ts.Check(err)
		for _, name := range requests {
			response := strings.TrimSuffix(name, ".request") + ".response"
			ts.Check(os.WriteFile(response, []byte(`{"status_code":200}`), 0o644))
		}
	}
	testscript.RunT(printer{}, testscript.Params{Dir: "testdata/example", Setup: boxscript.Setup, Cmds: commands})
	// Output: hello: ok
}

// A printer is a testscript.T that runs scripts outside a test.
type printer struct{ name string }

func (p printer) Run(name string, f func(testscript.T)) {
	defer func() {
		if recover() == nil {
			fmt.Println(name + ": ok")
		}
	}()
	f(printer{name})
}

func (p printer) Fatal(args ...any) { fmt.Println(args...); p.FailNow() }
func (p printer) FailNow()          { fmt.Println(p.name + ": failed"); panic("failed") }
func (p printer) Skip(args ...any)  { fmt.Println(args...); panic("skipped") }
func (p printer) Log(args ...any)   {}
func (p printer) Parallel()         {}
func (p printer) Verbose() bool     { return false }
