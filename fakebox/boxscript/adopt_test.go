package boxscript_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// Requests of two scripts must not collide even if they have the same name.
func TestScriptsShareAdoptedNetwork(t *testing.T) {
	network := fakebox.New(t, fakebox.Config{})
	server := network.Join("bob@example.com")
	for _, name := range []string{"one", "two"} {
		dir := t.TempDir()
		text := "box send hello echo hi\nbox wait -arrived hello\n! exists $WORK/box\n"
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		setup := func(env *testscript.Env) error {
			env.Setenv("BOX_TIMEOUT", "5m")
			if err := boxscript.Setup(env); err != nil {
				return err
			}
			if err := boxscript.FromEnv(env).Adopt(network, server); err != nil {
				return err
			}
			if err := boxscript.FromEnv(env).Adopt(network, server); err == nil {
				t.Error("second Adopt succeeded")
			}
			return nil
		}
		// A subtest, because its cleanup ends the script.
		t.Run("script", func(t *testing.T) {
			testscript.Run(t, testscript.Params{Dir: dir, Cmds: boxscript.Commands(), Setup: setup})
		})
	}
	requests, err := filepath.Glob(filepath.Join(server.Datasite(), "app_data/app/rpc/echo/client@example.com/*.request"))
	if err != nil || len(requests) != 2 {
		t.Errorf("got requests %v, error %v; want 2 requests", requests, err)
	}
	if err := server.Deliver("still/open", nil, fakebox.Delivery{}); err != nil {
		t.Error(err)
	}
}
