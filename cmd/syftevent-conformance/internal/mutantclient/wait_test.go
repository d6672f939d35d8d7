package mutantclient

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// slow are options with which nothing settles while a test runs.
const slow = `{"poll_interval":"5ms","settle":"1h"}`

func TestWaitsForRestOfResponse(t *testing.T) {
	t.Parallel()
	r := start(t, slow)
	r.call(1, map[string]any{"body_base64": "YWJj"})
	base, request := r.request()
	whole := response(t, request, nil)
	for _, size := range []int{0, 1, bytes.IndexByte(whole, '}') + 1, len(whole) - 1} {
		if err := os.WriteFile(base+responseSuffix, whole[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond) // some polls; fewer make the test weaker, not wrong
	}
	select {
	case line := <-r.results:
		t.Fatalf("incomplete response: got %v", line)
	default:
	}
	if err := os.WriteFile(base+responseSuffix, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(r.next(), 200)
	r.wantNothing()
}

func TestIncompleteResponseSettles(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	for i, data := range []string{"", "{", `{"id":"1"}` + "\x00\x00", "not JSON"} {
		r.call(i, nil)
		base, _ := r.request()
		write(t, base+responseSuffix, data)
		r.wantError(r.next(), "bad-response")
		r.wantNothing()
	}
}

func TestReportsRejection(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.call(0, map[string]any{"url": echoURL + "/other"}) // stays pending
	for i, marker := range []string{".rejected", ".rejected.20260102030405", ".syftrejected"} {
		r.call(i+1, nil)
		base, _ := r.request()
		if err := os.Rename(base+requestSuffix, base+marker+requestSuffix); err != nil {
			t.Fatal(err)
		}
		line := r.next()
		r.wantError(line, "rejected")
		if line["call"] != float64(i+1) {
			t.Errorf("got %v", line)
		}
		r.wantNothing()
	}
	r.serve(nil)
	r.wantStatus(r.next(), 200)
	r.wantEnd()
}

func TestExpires(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	began := time.Now()
	r.call(1, map[string]any{"expires_in": 0.75})
	r.wantError(r.next(), "expired")
	if took := time.Since(began); took < 750*time.Millisecond {
		t.Errorf("expired after %v", took)
	}
	r.wantNothing()
	r.wantEnd()
}

func TestResendsLostRequest(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.call(1, nil)
	base, request := r.request()
	for range 2 { // after 1 and 4 s
		// Without its folder nothing is there.
		if err := os.RemoveAll(r.folder()); err != nil {
			t.Fatal(err)
		}
		again, data := r.request()
		if again != base || !bytes.Equal(data, request) {
			t.Errorf("%s was sent again as %s:\n%s\n%s", base, again, request, data)
		}
	}
	answer(t, base, request, nil)
	r.wantStatus(r.next(), 200)
	r.wantNothing()
}

func TestReadsResponseWithoutRequest(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.call(1, nil)
	base, request := r.request()
	if err := os.Remove(base + requestSuffix); err != nil {
		t.Fatal(err)
	}
	answer(t, base, request, nil)
	r.wantStatus(r.next(), 200)
	r.wantNothing()
}

// Not parallel: it counts goroutines and descriptors of the process.
func TestManyCallsAtOnce(t *testing.T) {
	const calls = 200
	r := start(t, quick)
	r.call(calls, nil)
	r.request()
	goroutines, descriptors := runtime.NumGoroutine(), openFiles()
	for i := range calls {
		body := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "body %d", i))
		r.call(i, map[string]any{"body_base64": body})
	}
	r.eventually("all requests", func() bool {
		names, _ := filepath.Glob(filepath.Join(r.folder(), "*"+requestSuffix))
		return len(names) == calls+1
	})
	if n := runtime.NumGoroutine(); n > goroutines+10 {
		t.Errorf("%d goroutines, before %d", n, goroutines)
	}
	if n := openFiles(); n > descriptors+10 {
		t.Errorf("%d descriptors, before %d", n, descriptors)
	}
	r.serve(nil)
	seen := map[float64]bool{}
	for range calls + 1 {
		line := r.next()
		number := line["call"].(float64)
		seen[number] = true
		r.wantStatus(line, 200)
		want := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "body %v", number))
		if number < calls && line["body_base64"] != want {
			t.Errorf("got %v, want body %s", line, want)
		}
	}
	if len(seen) != calls+1 {
		t.Errorf("%d different calls", len(seen))
	}
	r.wantNothing()
	r.wantEnd()
}

// openFiles returns the number of descriptors of the process, or 0 if the system does not say.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func TestStartsWithLeftovers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := folderIn(data)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	leftovers := []string{"1.request", "1.response", "2.response", "3.rejected.request", "client-X.tmp", "request.tmp", "other.txt"}
	for _, name := range leftovers {
		write(t, filepath.Join(folder, name), `{"id":`)
	}
	r := startIn(t, data, mutant.None, quick)
	for i := range 3 {
		r.call(i, map[string]any{"expires_in": 0.5})
		r.wantError(r.next(), "expired")
	}
	for _, name := range leftovers {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != `{"id":` {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
