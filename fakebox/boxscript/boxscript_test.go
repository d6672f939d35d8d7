package boxscript_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

func TestScripts(t *testing.T) {
	commands := boxscript.Commands()
	// answer writes responses as a server would, one for each request that
	// stands there when it is called.
	commands["answer"] = func(ts *testscript.TestScript, neg bool, args []string) {
		requests, err := filepath.Glob(filepath.Join(ts.Getenv("DATASITE"), "app_data/app/rpc/*/*/*.request"))
		ts.Check(err)
		for _, request := range requests {
			name := strings.TrimSuffix(request, ".request") + ".response"
			time.AfterFunc(10*time.Millisecond, func() { os.WriteFile(name, []byte(`{"status_code":200}`), 0o644) })
		}
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: boxscript.Setup, Cmds: commands})
}
