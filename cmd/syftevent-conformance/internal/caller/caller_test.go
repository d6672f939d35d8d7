package caller

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the client under test.
func TestMain(m *testing.M) {
	switch os.Getenv("CALLER_HELPER") {
	case "":
		os.Exit(m.Run())
	case "echo":
		fmt.Println("log line")
		fmt.Println(readyLine)
		fmt.Println("another log line")
		fmt.Println(`{"log":"a line without a call"}`)
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			var call wireCall
			if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
				panic(err)
			}
			if call.Options != nil {
				call.Headers["cached"] = fmt.Sprint(call.Options.Cached)
			}
			result := map[string]any{"call": call.Call, "took_ms": call.ExpiresIn * 1000, "resent": 1}
			if call.Method == "FAIL" {
				result["error"], result["detail"] = "invalid", "no such method"
			} else {
				result["status"], result["headers"], result["body_base64"] = 200, call.Headers, call.Body
			}
			text, _ := json.Marshal(result)
			fmt.Printf("%s\n", text)
		}
	case "environment":
		for _, name := range []string{"SYFTEVENT_ROLE", "SYFTBOX_CLIENT_CONFIG_PATH", "SYFTEVENT_APP", "SYFTEVENT_OPTIONS"} {
			fmt.Fprintf(os.Stderr, "%s=%s\n", name, os.Getenv(name))
		}
		fmt.Println(readyLine)
		io.Copy(io.Discard, os.Stdin)
	case "garbage":
		fmt.Println(readyLine)
		bufio.NewScanner(os.Stdin).Scan()
		fmt.Println(`{"call":"one"}`)
		time.Sleep(time.Hour)
	case "unknown":
		fmt.Println(readyLine)
		bufio.NewScanner(os.Stdin).Scan()
		fmt.Println(`{"call":7}`)
		time.Sleep(time.Hour)
	case "deaf":
		fmt.Println(readyLine)
		time.Sleep(time.Hour)
	case "server":
		fmt.Println(`{"ready":true}`)
		time.Sleep(time.Hour)
	case "silent":
		time.Sleep(time.Hour)
	case "exit":
		os.Exit(7)
	}
}

const readyLine = `{"ready":true,"role":"client","implementation":"helper","version":"1","features":[],"poll_ms":1}`

func startHelper(t *testing.T, what string) *Client {
	t.Helper()
	t.Setenv("CALLER_HELPER", what)
	c, err := Start(t.Context(), []string{os.Args[0]}, Settings{LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

func TestClientMatchesResultsToCalls(t *testing.T) {
	c := startHelper(t, "echo")
	large := []byte(strings.Repeat("x", 1_000_000))
	pending := []<-chan Result{
		c.Go(Call{Body: large, Timeout: time.Second, Headers: map[string]string{"h": "1"}}),
		c.Go(Call{Method: "FAIL"}),
		c.Go(Call{}),
		c.Go(Call{Body: []byte{}}),
		c.Go(Call{Cached: true}),
	}
	if r := <-pending[0]; r.Err != nil || r.Status != 200 || len(r.Body) != len(large) || r.Headers["h"] != "1" || r.Took != time.Second || r.Resent != 1 {
		t.Errorf("status %d, %d bytes, headers %v, %v, %v", r.Status, len(r.Body), r.Headers, r.Took, r.Err)
	}
	if r := <-pending[1]; r.Code != "invalid" || r.Err == nil || r.Err.Error() != "invalid: no such method" {
		t.Errorf("code %q, error %v", r.Code, r.Err)
	}
	if r := <-pending[2]; r.Err != nil || r.Code != "" || r.Body != nil || r.Took != 30*time.Second || len(r.Headers) != 0 {
		t.Errorf("result %+v", r)
	}
	if r := <-pending[3]; r.Err != nil || r.Body == nil || len(r.Body) != 0 {
		t.Errorf("result %+v", r)
	}
	if r := <-pending[4]; r.Err != nil || r.Headers["cached"] != "true" {
		t.Errorf("result %+v", r)
	}
	if err := c.Close(time.Minute); err != nil {
		t.Error(err)
	}
}

func TestClientGetsItsEnvironment(t *testing.T) {
	t.Setenv("CALLER_HELPER", "environment")
	dir := t.TempDir()
	c, err := Start(t.Context(), []string{os.Args[0]}, Settings{
		ConfigPath: "config.json", App: "demo", Options: map[string]any{"settle": "1s"}, LogDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(time.Minute); err != nil {
		t.Error(err)
	}
	const want = `SYFTEVENT_ROLE=client
SYFTBOX_CLIENT_CONFIG_PATH=config.json
SYFTEVENT_APP=demo
SYFTEVENT_OPTIONS={"settle":"1s"}
`
	if got, err := os.ReadFile(filepath.Join(dir, "client-stderr.log")); string(got) != want {
		t.Errorf("environment %s, %v", got, err)
	}
}

func TestStartReportsClientThatIsNotReady(t *testing.T) {
	for what, want := range map[string]string{
		"silent": "no ready line within 100ms",
		"server": `"role" is not "client"`,
		"exit":   "exit status 7",
	} {
		t.Setenv("CALLER_HELPER", what)
		timeout := time.Minute
		if what == "silent" {
			timeout = 100 * time.Millisecond
		}
		_, err := Start(t.Context(), []string{os.Args[0]}, Settings{LogDir: t.TempDir(), ReadyTimeout: timeout})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestClientIsKilledAfterMalformedResult(t *testing.T) {
	for what, want := range map[string]string{"garbage": "parse result", "unknown": "no call 7 is pending"} {
		c := startHelper(t, what)
		if r := c.Do(t.Context(), Call{}); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: %v", what, r.Err)
		}
	}
}

func TestCloseKillsAClientThatIgnoresIt(t *testing.T) {
	c := startHelper(t, "deaf")
	pending := c.Go(Call{})
	if err := c.Close(time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v", err)
	}
	if r := <-pending; r.Err == nil {
		t.Errorf("result %+v", r)
	}
}

func TestStartReportsMissingProgram(t *testing.T) {
	if _, err := Start(t.Context(), []string{"/no/such/program"}, Settings{LogDir: t.TempDir()}); err == nil {
		t.Error("no error")
	}
}
