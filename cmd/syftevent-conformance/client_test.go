package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/caller"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// The embedded client calls the embedded reference, in a network of fakebox.
func TestClientCallsTheReference(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	box := fakebox.New(t, fakebox.Config{Speed: 20})
	bob, alice := box.Join("bob@example.com"), box.Join("alice@example.com")
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	server, err := target.Start(t.Context(), target.Command{Args: []string{self, "serve"}, ReadyTimeout: time.Minute}, target.Settings{
		ConfigPath: bob.ConfigPath(), App: "demo", LogDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	// SyftBox refuses requests until it has the permissions: two cycles, of which the
	// first may have begun before they were there.
	for before := bob.Cycles(); bob.Cycles() < before+2; time.Sleep(time.Millisecond) {
	}
	client, err := caller.Start(t.Context(), []string{self, "serve", "-role", "client"}, caller.Settings{
		ConfigPath: alice.ConfigPath(), App: "demo", LogDir: t.TempDir(), ReadyTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Kill()
	var pending []<-chan caller.Result
	for range 3 {
		pending = append(pending, client.Go(caller.Call{
			URL: "syft://bob@example.com/app_data/demo/rpc/echo", Body: []byte("hello"),
			Headers: map[string]string{"h": "1"}, Timeout: 5 * time.Minute,
		}))
	}
	for _, result := range pending {
		if r := <-result; r.Err != nil || r.Status != 200 || string(r.Body) != "hello" || r.Headers["x-echo-h"] != "1" || r.Took <= 0 {
			t.Errorf("result %+v", r)
		}
	}
	if r := client.Do(t.Context(), caller.Call{URL: "no url"}); r.Err == nil || r.Code != "invalid" {
		t.Errorf("result %+v of a call without a url", r)
	}
	if err := client.Close(time.Minute); err != nil {
		t.Error(err)
	}
	if r := client.Do(t.Context(), caller.Call{}); r.Err == nil {
		t.Errorf("result %+v of a client that has ended", r)
	}
}

// The role of serve comes from the flag, or else from the environment.
func TestServeSelectsRole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	data, err := json.Marshal(map[string]string{"email": "alice@example.com", "data_dir": t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SYFTBOX_CLIENT_CONFIG_PATH", path)
	t.Setenv("SYFTEVENT_APP", "") // only the server needs it
	for _, test := range []struct {
		flag, environment string
		client            bool
	}{
		{"", "", false},
		{"", "server", false},
		{"", "client", true},
		{"client", "", true},
		{"client", "server", true},
		{"server", "client", false},
	} {
		t.Setenv("SYFTEVENT_ROLE", test.environment)
		args := []string{"serve"}
		if test.flag != "" {
			args = append(args, "-role", test.flag)
		}
		_, stdout, stderr := judge(t, args...)
		client, server := strings.Contains(stdout, `"role":"client"`), strings.Contains(stderr, "SYFTEVENT_APP is not set")
		if client != test.client || server == test.client {
			t.Errorf("flag %q, environment %q:\n%s%s", test.flag, test.environment, stdout, stderr)
		}
	}
}

func TestServeUsage(t *testing.T) {
	t.Setenv("SYFTEVENT_ROLE", "peer")
	status, _, stderr := judge(t, "serve")
	if status != exitUsage {
		t.Errorf("exit %d", status)
	}
	contains(t, "the error", stderr, `unknown role "peer"`)
}

func TestClientReportsMalformedConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(`{"email":"alice@example.com"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SYFTBOX_CLIENT_CONFIG_PATH", path)
	status, _, stderr := judge(t, "serve", "-role", "client")
	if status != exitUsage {
		t.Errorf("exit %d", status)
	}
	contains(t, "the error", stderr, `field "data_dir"`)
}
