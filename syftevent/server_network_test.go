package syftevent_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A callNetwork is a server and a client of this package in a simulated network that is ten
// times as fast as SyftBox.
type callNetwork struct {
	*testing.T
	box    *fakebox.Box
	bob    *fakebox.Replica
	alice  *fakebox.Replica
	client *syftevent.Client
	server *syftevent.Server
	runs   atomic.Int32
	losing atomic.Bool // whether the message of the next response is lost
}

func newCallNetwork(t *testing.T) *callNetwork {
	t.Helper()
	t.Parallel()
	box := fakebox.New(t, fakebox.Config{Seed: 1, Speed: 10})
	n := &callNetwork{T: t, box: box, bob: box.Join(serverEmail), alice: box.Join(clientEmail)}
	n.client = &syftevent.Client{Email: clientEmail, DataDir: n.alice.DataDir()}
	n.start()
	t.Cleanup(n.stop)
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	n.cycles(2) // until SyftBox's server has the permissions
	return n
}

func (n *callNetwork) start() {
	n.Helper()
	router := syftevent.NewRouter()
	router.OnRequest("/echo", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		n.runs.Add(1)
		if n.losing.Swap(false) {
			n.box.FailNext(fakebox.BurstLoss, 1)
		}
		return syftevent.Bytes(200, req.Body), nil
	})
	n.server = &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: n.bob.DataDir()}, Router: router,
		// Four of the network's cycles, and eight.
		RepublishDelay: 2 * time.Second, OrphanDelay: 4 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := n.server.Start(context.Background()); err != nil {
		n.Fatal(err)
	}
}

func (n *callNetwork) stop() {
	if err := n.server.Shutdown(context.Background()); err != nil {
		n.Error(err)
	}
}

// until waits for a condition, with patience for a busy machine.
func (n *callNetwork) until(what string, condition func() bool) {
	n.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.Fatalf("timeout: %s", what)
		}
	}
}

// cycles waits for n complete full syncs on both sides.
func (n *callNetwork) cycles(count int) {
	n.Helper()
	for _, r := range []*fakebox.Replica{n.alice, n.bob} {
		want := r.Cycles() + count + 1
		n.until("full synchronizations", func() bool { return r.Cycles() >= want })
	}
}

func (n *callNetwork) call() *syftevent.Future {
	n.Helper()
	future, err := n.client.Send(context.Background(), request(n.T, "/echo", "hello"))
	if err != nil {
		n.Fatal(err)
	}
	response, err := future.Wait(context.Background())
	if err != nil || string(response.Body) != "hello" {
		n.Fatalf("%v, %v", response, err)
	}
	return future
}

// files lists the requests and responses, marked or not, that are left on both sides.
func (n *callNetwork) files() (left []string) {
	for _, r := range []*fakebox.Replica{n.alice, n.bob} {
		for _, pattern := range []string{"*.request", "*.response"} {
			names, err := filepath.Glob(filepath.Join(r.Datasites(), serverEmail, rpcPath, "*", "*", pattern))
			if err != nil {
				n.Fatal(err)
			}
			left = append(left, names...)
		}
	}
	return left
}

// fast counts the files with a suffix that arrived by the fast path.
func (n *callNetwork) fast(suffix string) (count int) {
	for _, e := range n.box.Events() {
		if e.Op == fakebox.OpArrive && strings.HasSuffix(e.Path, suffix) && e.Via == fakebox.ViaFast {
			count++
		}
	}
	return count
}

// When SyftBox has removed the last pair of a sender's directory, or a lost request, it prunes
// the directory and never watches it again. Every later call would then wait for a full sync.
func TestNetworkCallsStayFastAfterTheirFilesAreGone(t *testing.T) {
	if !fakebox.DistinguishesRenames {
		t.Skip("the watch of this system does not see what a nudge does")
	}
	n := newCallNetwork(t)
	for _, lost := range []int{0, 1} {
		if lost > 0 {
			if err := n.box.FailNext(fakebox.BurstLoss, lost); err != nil {
				t.Fatal(err)
			}
		}
		n.call()
		n.until("the files are gone", func() bool { return len(n.files()) == 0 })
		n.cycles(2)
		requests, responses := n.fast(".request"), n.fast(".response")
		const calls = 10
		for range calls {
			n.call()
		}
		// On a busy machine, a full sync may begin within 50 ms of a write, and then it
		// carries the file.
		requests, responses = n.fast(".request")-requests, n.fast(".response")-responses
		if requests < calls/2 || responses < calls/2 {
			t.Errorf("of %d calls %d requests and %d responses arrived by the fast path", calls, requests, responses)
		}
	}
}

// SyftBox's server drops a message, and the next full sync deletes the sender's file.
func TestNetworkCallsSurviveLostMessages(t *testing.T) {
	n := newCallNetwork(t)
	n.call()
	if err := n.box.FailNext(fakebox.BurstLoss, 1); err != nil { // the request
		t.Fatal(err)
	}
	if future := n.call(); future.Resent() != 1 {
		t.Errorf("resent %d times", future.Resent())
	}
	n.losing.Store(true)
	if future := n.call(); future.Resent() != 0 {
		t.Errorf("resent %d times", future.Resent())
	}
	if runs := n.runs.Load(); runs != 3 {
		t.Errorf("%d runs of 3 requests", runs)
	}
}

// SyftBox deletes the response whose message was lost while the server is restarted.
func TestNetworkRestartRunsNothingAgain(t *testing.T) {
	n := newCallNetwork(t)
	n.call()
	n.losing.Store(true)
	future, err := n.client.Send(context.Background(), request(t, "/echo", "hello"))
	if err != nil {
		t.Fatal(err)
	}
	response := filepath.Join(n.bob.Datasite(), rpcPath, "echo", clientEmail, future.ID+".response")
	exists := func() bool { _, err := os.Lstat(response); return err == nil }
	n.until("the response", exists)
	n.stop()
	n.until("SyftBox deletes the response", func() bool { return !exists() })
	n.start()
	if response, err := future.Wait(context.Background()); err != nil || string(response.Body) != "hello" {
		t.Errorf("%v, %v", response, err)
	}
	if runs := n.runs.Load(); runs != 2 {
		t.Errorf("%d runs of 2 requests", runs)
	}
}

// Removing a pair races with the full sync, especially if the server's list of files takes
// long to arrive.
func TestNetworkCallsLeaveNothingBehind(t *testing.T) {
	n := newCallNetwork(t)
	n.box.SetViewLatency(4 * time.Second) // nearly half of each cycle
	var calls sync.WaitGroup
	for range 60 {
		future, err := n.client.Send(context.Background(), request(t, "/echo", "hello"))
		if err != nil {
			t.Fatal(err)
		}
		calls.Go(func() {
			if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 {
				t.Errorf("%v, %v", response, err)
			}
		})
		time.Sleep(20 * time.Millisecond) // over many cycles
	}
	calls.Wait()
	n.until("the files are gone, and stay so", func() bool {
		if len(n.files()) > 0 {
			return false
		}
		n.cycles(3)
		return len(n.files()) == 0
	})
	if runs := n.runs.Load(); runs != 60 {
		t.Errorf("%d runs of 60 requests", runs)
	}
}
