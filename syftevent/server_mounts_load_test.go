//go:build unix

package syftevent_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// What TestServerOnNetworkMountsUnderLoad does. The defaults are small.
var (
	mountFolders = flag.Int("mountfolders", 50, "how many sender folders TestServerOnNetworkMountsUnderLoad makes")
	mountCalls   = flag.Int("mountcalls", 20, "how many requests it sends one after the other")
	mountBurst   = flag.Int("mountburst", 200, "how many requests it sends at once")
	mountPairs   = flag.Int("mountpairs", 200, "how many answered pairs one of the folders has before")
)

// A mountLoad is a server on a network mount, and requests that are written on the far side.
type mountLoad struct {
	*testing.T
	far    string // the folder of the endpoint
	server *syftevent.Server
	sent   int

	mu   sync.Mutex
	runs map[string]int // by the id of the request
}

// A server on a network mount answers each request once: in many folders, one of them large, in
// bursts into new folders, and after them. The log has the times from writing a request on the
// far side to its response there.
func TestServerOnNetworkMountsUnderLoad(t *testing.T) {
	onMounts(t, func(t *testing.T, here, far string) {
		const app = "load"
		m := &mountLoad{T: t, runs: map[string]int{}}
		router := syftevent.NewRouter()
		router.OnRequest("/echo", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.runs[req.ID]++
			return syftevent.Bytes(200, req.Body), nil
		})
		m.server = &syftevent.Server{
			AppName: app, Client: &syftevent.Client{Email: serverEmail, DataDir: here}, Router: router,
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		}
		m.far = filepath.Join(far, "datasites", serverEmail, "app_data", app, "rpc", "echo")
		for n := range *mountFolders {
			m.makeFolder(n)
		}
		for range *mountPairs {
			name := m.write(0)
			if err := os.WriteFile(strings.TrimSuffix(name, ".request")+".response", []byte(`{}`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		clear(m.runs)
		if err := m.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer m.server.Shutdown(t.Context())

		m.call("first", 1)
		m.call("one after the other", *mountCalls)
		m.callIn("in the large folder", 0, 1, min(*mountCalls, 20))
		m.callIn("up to four within some milliseconds", 1, 4, *mountCalls)
		began := time.Now()
		var names []string
		for n := range *mountBurst {
			folder := n % 20
			if folder >= 10 { // half of the folders are new
				folder += *mountFolders
			}
			if n < 20 {
				m.makeFolder(folder)
			}
			names = append(names, m.write(folder))
		}
		written := time.Since(began)
		for _, name := range names {
			m.await(name)
		}
		t.Logf("burst: %d requests written in %v, all answered %v after the last", len(names), written.Round(time.Millisecond), (time.Since(began) - written).Round(time.Millisecond))
		m.call("after the burst", *mountCalls)
		stats := m.server.Stats()
		t.Logf("%d folders: one scan takes %v, the next waits %v", stats.Folders, stats.ScanDuration.Round(time.Microsecond), stats.ScanWait.Round(time.Microsecond))
		m.mu.Lock()
		defer m.mu.Unlock()
		for id, n := range m.runs {
			if n != 1 {
				t.Errorf("request %s ran %d times", id, n)
			}
		}
		if want := m.sent - *mountPairs; len(m.runs) != want {
			t.Errorf("%d requests ran, want %d", len(m.runs), want)
		}
	})
}

func (m *mountLoad) folder(n int) string {
	return filepath.Join(m.far, fmt.Sprintf("sender%d@example.com", n))
}

func (m *mountLoad) makeFolder(n int) {
	m.Helper()
	if err := os.MkdirAll(m.folder(n), 0o755); err != nil {
		m.Fatal(err)
	}
}

// write writes a request into a folder and returns its name.
func (m *mountLoad) write(folder int) string {
	m.Helper()
	m.sent++
	id := fmt.Sprintf("%08d-d742-4027-8091-%012d", folder, m.sent)
	data := strings.Replace(string(envelope("/echo", map[string]any{
		"id": id, "sender": fmt.Sprintf("sender%d@example.com", folder), "body": []byte(id),
	})), "/"+appName+"/", "/load/", 1)
	name := filepath.Join(m.folder(folder), id+".request")
	temp := filepath.Join(filepath.Dir(m.far), ".writing-"+id)
	if err := os.WriteFile(temp, []byte(data), 0o644); err != nil {
		m.Fatal(err)
	}
	if err := os.Rename(temp, name); err != nil {
		m.Fatal(err)
	}
	return name
}

// await waits for the response to a request.
func (m *mountLoad) await(request string) {
	m.Helper()
	awaitFile(m.T, strings.TrimSuffix(request, ".request")+".response")
}

// call sends requests one after the other to random folders.
func (m *mountLoad) call(what string, count int) {
	m.Helper()
	m.callIn(what, -1, 1, count)
}

// callIn is call with one folder, negative for random ones, and with up to atOnce requests
// instead of one: the second may be written in the same tick of the file server's clock.
func (m *mountLoad) callIn(what string, folder, atOnce, count int) {
	m.Helper()
	var took []time.Duration
	for range count {
		to := folder
		if to < 0 {
			to = rand.N(*mountFolders)
		}
		time.Sleep(rand.N(200 * time.Millisecond))
		began := time.Now()
		names := []string{m.write(to)}
		for range rand.N(atOnce) {
			time.Sleep(rand.N(8 * time.Millisecond))
			names = append(names, m.write(to))
		}
		for _, name := range names {
			m.await(name)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(100 * time.Microsecond)
	}
	m.Logf("%s: %d times, p50 %v, p99 %v, longest %v", what, count, at(0.5), at(0.99), at(1))
}
