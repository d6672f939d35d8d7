package boxpage

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// answerAll answers every request in a datasite, like a server, until stop is closed.
func answerAll(datasite string, stop <-chan struct{}) {
	for {
		filepath.WalkDir(datasite, func(name string, _ fs.DirEntry, err error) error {
			response := strings.TrimSuffix(name, ".request") + ".response"
			if _, missing := os.Stat(response); err == nil && response != name+".response" && missing != nil {
				os.WriteFile(response, []byte(`{"status_code": 201, "headers": {}, "body": null}`), 0o644)
			}
			return nil
		})
		select {
		case <-stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// withServer adds a command that starts a server.
func withServer(commands map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	commands["server"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		datasite := ts.Getenv("DATASITE")
		rpc := filepath.Join(datasite, "app_data", "echo", "rpc")
		ts.Check(os.MkdirAll(rpc, 0o755))
		ts.Check(os.WriteFile(filepath.Join(rpc, "syft.pub.yaml"), []byte(permissions), 0o644))
		stop := make(chan struct{})
		go answerAll(datasite, stop)
		ts.Defer(func() { close(stop) })
	}
	return commands
}

// The copied script of calls with odd bodies, headers and faults runs, and finds the same
// status codes.
func TestCopiedScriptRuns(t *testing.T) {
	h := newHarness(t, true)
	c := h.serve()
	stop := make(chan struct{})
	defer close(stop)
	go answerAll(h.bob.Datasite(), stop)
	var ok map[string]any
	c.json("POST", "api/fault", `{"fault":"future","next":1}`, &ok)
	for _, body := range []string{`{"a": 'it''s $HOME'}`, "two\nlines", "", "#", `\`} {
		message, _ := json.Marshal(map[string]any{
			"from": alice, "to": bob, "app": "echo", "endpoint": "/hello", "method": "PUT", "headers": map[string]string{"x-a": "b c"}, "body": body,
		})
		var sent struct{ N int }
		c.json("POST", "api/send", string(message), &sent)
		h.await(sent.N, "answered", func(c *call) bool { return c.state(h.page.joined) == stateAnswered && c.status == 201 })
	}
	c.json("POST", "api/fault", `{"fault":"late","next":1}`, &ok)
	c.json("POST", "api/heal", `{}`, &ok)
	scripts := []string{"api/script"}
	for n := 1; n <= 5; n++ {
		scripts = append(scripts, fmt.Sprintf("api/script?n=%d", n))
	}
	dir := t.TempDir()
	for i, target := range scripts {
		const check = "box wait call1\ngrep "
		_, script := c.do("GET", target, "", nil)
		const server = "exec my-server &server&   # replace by the server under test\nexec sleep 2   # until it is ready\n"
		if strings.Count(script, server) != 1 {
			t.Fatalf("no line for the server in\n%s", script)
		}
		if _, sends, found := strings.Cut(script, "box fault -request future"); i == 0 && (!found || strings.Count(sends, "box send") != 5) {
			t.Errorf("the fault is not before the calls in\n%s", script)
		}
		if !strings.Contains(script, check) {
			t.Errorf("no check of the status in\n%s", script)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txtar", i)), []byte(strings.Replace(script, server, "server\n", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, Cmds: withServer(boxscript.Commands()),
		Setup: func(env *testscript.Env) error {
			env.Setenv("BOX_TIMEOUT", "2m")
			return boxscript.Setup(env)
		},
	})
}

// Snippets contain what the user wrote as literals of their language.
func TestSnippetsQuote(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	box.Join(alice)
	c := serve(t, box)
	const odd = "it's \"odd\" $HOME `id` \\ \n\u2028é\x00"
	message, _ := json.Marshal(map[string]any{
		"from": alice, "to": bob, "app": "echo", "endpoint": "/hello", "method": "POST", "headers": map[string]string{"x-a": "it's"}, "body": odd,
	})
	var snippets map[string]string
	c.json("POST", "api/snippets", string(message), &snippets)
	if !strings.Contains(snippets["curl"], `-H 'x-a: it'\''s'`) || !strings.Contains(snippets["curl"], "x-syft-from=alice%40example.com") {
		t.Errorf("curl: %s", snippets["curl"])
	}
	for expires, want := range map[string]bool{"0": false, "86400": false, "60": true, "-60": true} {
		var curl map[string]string
		c.json("POST", "api/snippets", `{"from":"alice@example.com","to":"bob@example.com","app":"echo","endpoint":"/hello?x=1","method":"POST","expires":`+expires+`}`, &curl)
		if got := strings.Contains(curl["curl"], "# SyftBox's HTTP gateway lets every request expire after 24h: this"); got != want {
			t.Errorf("expiry %s: %s", expires, curl["curl"])
		}
		if !strings.Contains(curl["testscript"], "-set 'url=\"syft://bob@example.com/app_data/echo/rpc/hello?x=1\"' call hello\n") {
			t.Errorf("testscript: %s", curl["testscript"])
		}
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(snippets["go"]), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s\n%s", err, out, snippets["go"])
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	check := "import ast, sys; s = [n.value for n in ast.walk(ast.parse(sys.stdin.read())) if isinstance(n, ast.Constant)]; sys.exit(sys.argv[1].replace('NUL', '\\0') not in s)"
	cmd := exec.Command(python, "-c", check, strings.ReplaceAll(odd, "\x00", "NUL"))
	cmd.Stdin = strings.NewReader(snippets["python"])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("python: %v\n%s\n%s", err, out, snippets["python"])
	}
}
