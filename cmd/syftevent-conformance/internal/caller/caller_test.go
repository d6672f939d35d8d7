package caller

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
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
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			var call wireCall
			if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
				panic(err)
			}
			result := wireResult{Call: call.Call, Status: 200, Body: call.Body, TookMS: call.TimeoutMS, Resent: 1}
			if call.Method == "FAIL" {
				result.Error = "refused"
			}
			text, _ := json.Marshal(result)
			fmt.Printf("%s\n", text)
		}
	case "garbage":
		fmt.Println("not JSON")
		time.Sleep(time.Hour)
	case "unknown":
		fmt.Println(`{"call":"no such"}`)
		time.Sleep(time.Hour)
	case "deaf":
		time.Sleep(time.Hour)
	}
}

func startHelper(t *testing.T, what string) *Client {
	t.Helper()
	t.Setenv("CALLER_HELPER", what)
	c, err := Start([]string{os.Args[0]}, "config.json", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

func TestClientMatchesResultsToCalls(t *testing.T) {
	c := startHelper(t, "echo")
	large := []byte(strings.Repeat("x", 5_000_000))
	pending := []<-chan Result{
		c.Go(Call{Body: large, Timeout: time.Second}),
		c.Go(Call{Method: "FAIL"}),
		c.Go(Call{}),
	}
	if r := <-pending[0]; r.Err != nil || len(r.Body) != len(large) || r.Took != time.Second || r.Resent != 1 {
		t.Errorf("status %d, %d bytes, %v, %v", r.Status, len(r.Body), r.Took, r.Err)
	}
	if r := <-pending[1]; r.Err == nil || r.Err.Error() != "refused" {
		t.Errorf("error %v", r.Err)
	}
	if r := <-pending[2]; r.Err != nil || r.Body != nil || r.Took != 30*time.Second {
		t.Errorf("result %+v", r)
	}
	if err := c.Close(time.Minute); err != nil {
		t.Error(err)
	}
}

func TestClientIsKilledAfterMalformedResult(t *testing.T) {
	for what, want := range map[string]string{"garbage": `read result "not JSON"`, "unknown": `no call "no such" is pending`} {
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
	if _, err := Start([]string{"/no/such/program"}, "config.json", t.TempDir()); err == nil {
		t.Error("no error")
	}
}
