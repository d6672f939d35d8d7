package syftevent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
)

const testWorkerTimeout = 10 * time.Second

// skipUnlessShared skips the test where servers cannot share work.
func skipUnlessShared(t *testing.T) {
	if !lease.Supported() {
		t.Skip(lease.ErrUnsupported)
	}
}

// onHost makes the server of a site one whose locks other servers do not see.
func (s *site) onHost() *site {
	syftevent.SetLocalLocks(s.server)
	s.server.WorkerTimeout = testWorkerTimeout
	return s
}

// sharing makes the server of a site a worker.
func (s *site) sharing() *site {
	s.server.ShareWork = true
	s.server.WorkerTimeout = testWorkerTimeout
	return s
}

// workersDir returns the directory of heartbeats and claims.
func (s *site) workersDir() lease.Dir {
	return lease.Dir(s.path("..", ".syftevent-workers.tmp"))
}

// inNetwork runs a test in a bubble with a datasite that several servers share.
func inNetwork(t *testing.T, test func(t *testing.T, replica *fakebox.Replica)) {
	t.Helper()
	skipUnlessShared(t)
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) { test(t, replica) })
}

// ghost makes the heartbeat, and the lead, of a server that has ended without saying so.
func ghost(t *testing.T, s *site) *lease.Holder {
	t.Helper()
	if err := os.MkdirAll(s.path(), 0o755); err != nil {
		t.Fatal(err)
	}
	h := lease.NewHolder(s.workersDir(), testWorkerTimeout, func(b *lease.Beat) { b.Alone, b.Process = true, "" })
	h.SetState(lease.Running)
	if err := errors.Join(s.workersDir().Make(), h.Renew()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.workersDir().Lead(h.Current(), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestServerOnOtherHostIsNoticed(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		first, second := newSite(t, demoRouter(), replica).onHost(), newSite(t, demoRouter(), replica).onHost()
		first.start()
		began := time.Now()
		err := second.server.Start(context.Background())
		if !errors.Is(err, syftevent.ErrAppServed) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) {
			t.Errorf("second server: %v", err)
		}
		if waited := time.Since(began); waited < 9*time.Second || waited > 12*time.Second {
			t.Errorf("it waited %v for the first to drain", waited)
		}
		first.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		first.wait("echo/" + clientEmail)
		first.stop()
		began = time.Now()
		second.start()
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("a server that was stopped delayed the next one by %v", waited)
		}
		second.stop()
	})
}

func TestServerWaitsForOtherHostToDrain(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		first, second := newSite(t, demoRouter(), replica).onHost(), newSite(t, demoRouter(), replica).onHost()
		first.start()
		time.AfterFunc(5*time.Second, func() { first.server.Shutdown(context.Background()) })
		began := time.Now()
		second.start()
		if waited := time.Since(began); waited < 4*time.Second || waited > 7*time.Second {
			t.Errorf("it waited %v", waited)
		}
		second.stop()
	})
}

func TestTwoServersOnTwoHostsStartAtOnce(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		var started []*site
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 4 {
			s := newSite(t, demoRouter(), replica).onHost()
			all.Go(func() {
				err := s.server.Start(context.Background())
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					started = append(started, s)
				case !errors.Is(err, syftevent.ErrAppServed):
					t.Error(err)
				}
			})
		}
		if all.Wait(); len(started) != 1 {
			t.Errorf("%d of 4 servers have started", len(started))
		}
		for _, s := range started {
			s.stop()
		}
	})
}

func TestCrashedServerOfOtherHostDelaysStart(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		s := newSite(t, demoRouter(), replica).onHost()
		ghost(t, s)
		began := time.Now()
		s.start()
		if waited := time.Since(began); waited < testWorkerTimeout-time.Second || waited > testWorkerTimeout+3*time.Second {
			t.Errorf("it waited %v", waited)
		}
		s.stop()
		if files, err := os.ReadDir(filepath.Join(string(s.workersDir()), "beats")); err != nil || len(files) != 1 {
			t.Errorf("heartbeats: %v, %v", files, err)
		}
	})
}

// A server that was suspended finds that another one has taken its place.
func TestServerStopsWhenOtherHostHasTheApp(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		var log lockedBuffer
		s := newSite(t, demoRouter(), replica).onHost()
		s.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s.start()
		other := lease.NewHolder(s.workersDir(), testWorkerTimeout, func(b *lease.Beat) { b.Alone = true })
		other.SetState(lease.Running)
		for n := range 10 {
			if err := other.Renew(); err != nil {
				t.Fatal(err)
			}
			if n == 5 && (!strings.Contains(log.text(), "another server serves the app") || s.server.Err() != nil) {
				t.Errorf("another heartbeat: %v, log:\n%s", s.server.Err(), log.text())
			}
			if n == 6 {
				if _, err := s.workersDir().Lead(other.Current(), func(string) bool { return false }); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		<-s.server.Done()
		if err := s.server.Err(); !errors.Is(err, syftevent.ErrAppServed) || !strings.Contains(err.Error(), other.Current().Name) {
			t.Errorf("server: %v", err)
		}
		if n := strings.Count(log.text(), "another server serves the app"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

// Without locks that are known to reach other hosts, a heartbeat that cannot be written is no
// reason not to serve.
func TestServerServesWithoutHeartbeat(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		s := newSite(t, demoRouter(), replica).onHost()
		if err := errors.Join(os.MkdirAll(s.path(), 0o755), os.WriteFile(string(s.workersDir()), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		s.wait("echo/" + clientEmail)
		s.stop()
		if err := newSite(t, demoRouter(), replica).sharing().server.Start(context.Background()); err == nil {
			t.Error("a worker has started")
		}
	})
}

func TestServerAloneHasNoHeartbeat(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		s := newSite(t, demoRouter(), replica)
		s.start()
		time.Sleep(time.Minute)
		if _, err := os.Stat(string(s.workersDir())); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("heartbeats: %v", err)
		}
		if all := s.server.Workers(); len(all) != 0 {
			t.Errorf("workers: %v", all)
		}
		s.stop()
	})
}

// startWorkers starts n workers of a router.
func startWorkers(t *testing.T, replica *fakebox.Replica, n int, router func(worker int) *syftevent.Router) []*site {
	t.Helper()
	var all []*site
	for i := range n {
		s := newSite(t, router(i), replica).sharing()
		s.start()
		all = append(all, s)
	}
	return all
}

func TestWorkersShareRequests(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		var runs runCount
		var of [3]atomic.Int32
		workers := startWorkers(t, replica, 3, func(i int) *syftevent.Router {
			router := syftevent.NewRouter()
			router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
				runs.add(req.ID)
				of[i].Add(1)
				if req.Generation != 1 {
					t.Errorf("generation %d", req.Generation)
				}
				return syftevent.Text(200, ""), sleep(100 * time.Millisecond)(ctx)
			})
			return router
		})
		time.Sleep(3 * time.Second) // they know each other
		const count = 90
		for n := range count {
			workers[0].askAs("count", fmt.Sprintf("sender%d@example.com", n%9), fmt.Sprint(n))
		}
		for n := range count {
			workers[0].expect(200, "count", fmt.Sprintf("sender%d@example.com", n%9), fmt.Sprint(n))
			if got := runs.of(fmt.Sprint(n)); got != 1 {
				t.Errorf("request %d was run %d times", n, got)
			}
		}
		leaders := 0
		for i, s := range workers {
			stats := s.server.Stats().Workers
			t.Logf("worker %d has run %d: %+v", i, of[i].Load(), stats)
			if of[i].Load() < count/9 || stats.Claimed != int(of[i].Load()) || stats.TakenOver+stats.Failed+stats.Lapses+stats.Fenced > 0 {
				t.Errorf("worker %d: %d runs, %+v", i, of[i].Load(), stats)
			}
			others := s.server.Workers()
			if len(others) != 2 || slices.ContainsFunc(others, func(w syftevent.Worker) bool {
				return !w.Alive || w.State != "running" || !slices.Equal(w.Routes, []string{"/count"})
			}) {
				t.Errorf("worker %d sees %+v", i, others)
			}
			for _, w := range others {
				if w.Leading {
					leaders++
				}
			}
		}
		if leaders != 2 { // two see the third
			t.Errorf("%d see a leader", leaders)
		}
		for _, s := range workers {
			s.stop()
		}
	})
}

// If the folder of workers is removed, a worker that starts then does not lead beside the leader.
func TestOneLeadsAfterFolderOfWorkersIsRemoved(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		router := func(int) *syftevent.Router { return generationRouter(make(chan int, 10)) }
		workers := startWorkers(t, replica, 2, router)
		time.Sleep(3 * time.Second)
		dir := string(workers[0].workersDir())
		if err := os.Rename(dir, dir+".removed"); err != nil { // at once: they write into it
			t.Fatal(err)
		}
		workers = append(workers, startWorkers(t, replica, 1, router)...)
		time.Sleep(5 * time.Second)
		leaders := map[string]bool{}
		for _, s := range workers {
			for _, w := range s.server.Workers() {
				if w.Leading {
					leaders[w.Name] = true
				}
			}
		}
		if len(leaders) != 1 {
			t.Errorf("leaders: %v", leaders)
		}
		for _, s := range workers {
			s.stop()
		}
	})
}

// A foreignWorker is a worker of another host, of which only the heartbeat and the claims exist.
type foreignWorker struct {
	t      *testing.T
	holder *lease.Holder
	dir    lease.Dir
	silent atomic.Bool
	ended  chan struct{}
}

// newForeignWorker starts the heartbeat of a worker with a route.
func newForeignWorker(t *testing.T, s *site, routes ...string) *foreignWorker {
	t.Helper()
	w := &foreignWorker{t: t, dir: s.workersDir(), ended: make(chan struct{})}
	w.holder = lease.NewHolder(w.dir, testWorkerTimeout, func(b *lease.Beat) { b.Process, b.Routes = "", routes })
	w.holder.SetState(lease.Running)
	if err := errors.Join(os.MkdirAll(s.path(), 0o755), w.holder.Renew()); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			select {
			case <-w.ended:
				return
			case <-time.After(time.Second):
				if !w.silent.Load() {
					w.holder.Renew()
				}
			}
		}
	}()
	return w
}

// claim claims a request with an id to /count.
func (w *foreignWorker) claim(id string) {
	w.t.Helper()
	data := envelope("/count", map[string]any{"id": id, "sender": clientEmail})
	sum := sha256.Sum256(data)
	path := "count/" + clientEmail + "/" + id
	name := sha256.Sum256(append([]byte(path+"\x00"), sum[:]...))
	c, err := w.dir.Take(w.holder.Current(), hex.EncodeToString(name[:20]), path+".request", func(string) bool { return false })
	if err != nil || c.Holder != w.holder.Current().Name {
		w.t.Fatalf("claim: %+v, %v", c, err)
	}
}

// log logs the reply to a request with an id to /count.
func (w *foreignWorker) log(id, reply string) { w.logLine(id, `"response":`+reply) }

// logPublished logs that the reply was published.
func (w *foreignWorker) logPublished(id string) { w.logLine(id, `"published":true`) }

func (w *foreignWorker) logLine(id, fields string) {
	w.t.Helper()
	request := envelope("/count", map[string]any{"id": id, "sender": clientEmail})
	dir := filepath.Join(string(w.dir), "replies")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, w.holder.Base()+"-0.tmp"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, `{"at":%q,"dir":"count/%s","stem":%q,"request":"%x",%s}`+"\n",
		time.Now().Format(time.RFC3339Nano), clientEmail, id, sha256.Sum256(request), fields)
	if err := errors.Join(err, f.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// checkRestored checks that the response to a request to /count contains a text, and how often handlers
// have run.
func checkRestored(t *testing.T, s *site, id, text string, runs, want int) {
	t.Helper()
	response, err := os.ReadFile(s.path("count", clientEmail, id+".response"))
	if err != nil || !strings.Contains(string(response), text) || runs != want {
		t.Errorf("%d runs, %v, response:\n%s", runs, err, response)
	}
}

// generationRouter sends the generation of each request.
func generationRouter(generations chan<- int) *syftevent.Router {
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		generations <- req.Generation
		return syftevent.Text(200, ""), nil
	})
	return router
}

func TestDeadWorkersRequestsAreTakenOver(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		other := newForeignWorker(t, s, "/count")
		defer close(other.ended)
		s.start()
		defer s.stop()
		other.claim("taken")
		s.askAs("count", clientEmail, "taken")
		s.askAs("count", clientEmail, "free")
		s.expect(200, "count", clientEmail, "free") // stolen if its first choice is the other one
		time.Sleep(time.Minute)
		if len(generations) != 1 || <-generations != 1 {
			t.Error("a request of a live worker was run")
		}
		other.silent.Store(true)
		died := time.Now()
		s.expect(200, "count", clientEmail, "taken")
		if took := time.Since(died); took < testWorkerTimeout-2*time.Second || took > testWorkerTimeout+4*time.Second {
			t.Errorf("taken over after %v", took)
		}
		if stats := s.server.Stats().Workers; stats.TakenOver != 1 || <-generations != 2 {
			t.Errorf("stats: %+v", stats)
		}
		// It was cut off only, and is alive again.
		other.silent.Store(false)
		time.Sleep(5 * time.Second)
		other.claim("second")
		s.askAs("count", clientEmail, "second")
		time.Sleep(time.Minute)
		if len(generations) != 0 {
			t.Error("a request of a worker that is alive again was run")
		}
	})
}

// The death of the worker that had a request does not offer it again while it is queued already,
// because its file was away meanwhile.
func TestQueuedRequestOfDeadWorkerIsRunOnce(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		var runs runCount
		release := make(chan struct{})
		router := syftevent.NewRouter()
		router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			if strings.HasPrefix(req.ID, "slow") {
				<-release
				return syftevent.Text(200, ""), nil
			}
			runs.add(req.ID)
			return syftevent.Text(200, ""), sleep(time.Second)(ctx)
		})
		s := newSite(t, router, replica).sharing()
		s.server.Concurrency, s.server.Reserve = 4, -1
		other := newForeignWorker(t, s) // without a route: no request is meant for it first
		defer close(other.ended)
		s.start()
		defer s.stop()
		time.Sleep(3 * time.Second)
		other.claim("taken")
		path := s.path("count", clientEmail, "taken.request")
		s.askAs("count", clientEmail, "taken")
		time.Sleep(35 * time.Second) // it is offered every 30 s by now
		if err := os.Rename(path, path+".tmp"); err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			s.askAs("count", fmt.Sprintf("sender%d@example.com", n%2), fmt.Sprintf("slow%d", n))
		}
		time.Sleep(2 * time.Second)
		other.silent.Store(true)
		if err := os.Rename(path+".tmp", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(testWorkerTimeout + 5*time.Second)
		close(release)
		time.Sleep(10 * time.Second)
		if got := runs.of("taken"); got != 1 {
			t.Errorf("run %d times", got)
		}
		s.expect(200, "count", clientEmail, "taken")
	})
}

// A sender with many requests does not delay those of others whose first choice has died.
func TestRequestsOfDeadFirstChoiceAreNotDelayedByOtherSenders(t *testing.T) {
	for _, concurrency := range []int{1, 2} { // without and with a free handler
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) { testRequestsOfDeadFirstChoice(t, concurrency) })
	}
}

func testRequestsOfDeadFirstChoice(t *testing.T, concurrency int) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		const flooder = "flooder@example.com"
		router := syftevent.NewRouter()
		router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			if req.Sender == flooder {
				return syftevent.Text(200, ""), sleep(time.Second)(ctx)
			}
			return syftevent.Text(200, ""), nil
		})
		s := newSite(t, router, replica).sharing()
		s.server.Concurrency = concurrency
		other := newForeignWorker(t, s, "/count")
		defer close(other.ended)
		s.start()
		defer s.stop()
		time.Sleep(3 * time.Second)
		for n := range 200 {
			s.askAs("count", flooder, fmt.Sprint(n))
		}
		time.Sleep(2 * time.Second)
		const senders = 10
		for n := range senders {
			s.askAs("count", fmt.Sprintf("sender%d@example.com", n), "one")
		}
		other.silent.Store(true)
		time.Sleep(testWorkerTimeout + 10*time.Second)
		for n := range senders {
			if _, err := os.Stat(s.path("count", fmt.Sprintf("sender%d@example.com", n), "one.response")); err != nil {
				t.Errorf("sender %d: %v", n, err)
			}
		}
	})
}

func TestStoppedWorkersRequestsAreTakenOverAtOnce(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		other := newForeignWorker(t, s, "/count")
		s.start()
		defer s.stop()
		other.claim("left")
		s.askAs("count", clientEmail, "left")
		time.Sleep(5500 * time.Millisecond) // between two renewals
		close(other.ended)
		if err := other.holder.Stop(); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		s.expect(200, "count", clientEmail, "left")
		if took := time.Since(stopped); took > 3*time.Second {
			t.Errorf("taken over after %v", took)
		}
		if got := <-generations; got != 2 {
			t.Errorf("generation %d", got)
		}
	})
}

// A worker that could not renew its lease begins nothing, until it has.
func TestWorkerWithOldLeaseBeginsNothing(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		s.start()
		defer s.stop()
		beats := filepath.Join(string(s.workersDir()), "beats")
		// Heartbeats cannot be written.
		if err := errors.Join(os.Rename(beats, beats+"-away"), os.WriteFile(beats, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(testWorkerTimeout/2 + 2*time.Second)
		s.askAs("count", clientEmail, "one")
		time.Sleep(time.Minute + 500*time.Millisecond) // between two renewals
		if len(generations) > 0 {
			t.Error("a request was begun under an old lease")
		}
		if err := errors.Join(os.Remove(beats), os.Rename(beats+"-away", beats)); err != nil {
			t.Fatal(err)
		}
		s.expect(200, "count", clientEmail, "one")
		if stats := s.server.Stats().Workers; stats.Lapses != 1 {
			t.Errorf("stats: %+v", stats)
		}
	})
}

// A worker leaves requests for which it has no route to those that have one. If there is none, the
// leader answers 404.
func TestWorkersTakeTheirRoutes(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		workers := startWorkers(t, replica, 3, func(i int) *syftevent.Router {
			router := syftevent.NewRouter()
			router.OnRequest(fmt.Sprintf("/only%d/{x...}", i), func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
				return syftevent.Text(200, ""), nil
			})
			return router
		})
		time.Sleep(3 * time.Second)
		for i := range workers {
			for n := range 10 {
				workers[0].askAs(fmt.Sprintf("only%d/a", i), clientEmail, fmt.Sprint(n))
			}
		}
		workers[0].askAs("nobody", clientEmail, "x")
		for i, s := range workers {
			for n := range 10 {
				s.expect(200, fmt.Sprintf("only%d/a", i), clientEmail, fmt.Sprint(n))
			}
		}
		workers[0].expect(404, "nobody", clientEmail, "x")
		workers[2].stop()
		workers[0].askAs("only2/a", clientEmail, "later")
		workers[0].askAs("only2/a", clientEmail, "later2")
		time.Sleep(time.Minute)
		for _, id := range []string{"later", "later2"} { // it may be restarting
			if _, err := os.Stat(workers[0].path("only2", "a", clientEmail, id+".response")); err == nil {
				t.Error("a request to an endpoint of a worker that is stopped was answered")
			}
		}
		workers[0].stop()
		workers[1].askAs("nobody", clientEmail, "y")
		workers[1].expect(404, "nobody", clientEmail, "y")
		workers[1].stop()
	})
}

// A worker that has ended for good keeps a request to its endpoint from its 404 for ten minutes.
func TestRequestToEndpointOfFormerWorkerIsAnswered(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		workers := startWorkers(t, replica, 2, func(i int) *syftevent.Router {
			router := syftevent.NewRouter()
			router.OnRequest(fmt.Sprintf("/only%d/{x...}", i), func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
				return syftevent.Text(200, ""), nil
			})
			return router
		})
		time.Sleep(3 * time.Second)
		workers[1].stop()
		workers[0].askAs("only1/a", clientEmail, "left")
		path := workers[0].path("only1", "a", clientEmail, "left.response")
		time.Sleep(9 * time.Minute)
		if _, err := os.Stat(path); err == nil {
			t.Error("answered although the worker may be restarting")
		}
		time.Sleep(4 * time.Minute)
		if _, err := os.Stat(path); err != nil {
			t.Error("not answered after ten minutes:", err)
		}
		workers[0].stop()
	})
}

// Workers that join and leave while requests arrive lose and double none.
func TestRollingRestartOfWorkers(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		var runs runCount
		router := func(int) *syftevent.Router {
			router := syftevent.NewRouter()
			router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
				runs.add(req.ID)
				return syftevent.Text(200, ""), sleep(50 * time.Millisecond)(ctx)
			})
			return router
		}
		workers := startWorkers(t, replica, 2, router)
		sent := 0
		ask := func(s *site) {
			for range 20 {
				s.askAs("count", fmt.Sprintf("sender%d@example.com", sent%5), fmt.Sprint(sent))
				sent++
			}
		}
		for range 6 {
			ask(workers[0])
			joined := startWorkers(t, replica, 1, router)[0]
			ask(joined)
			workers[0].stop()
			workers = append(workers[1:], joined)
			ask(joined)
		}
		for n := range sent {
			workers[0].expect(200, "count", fmt.Sprintf("sender%d@example.com", n%5), fmt.Sprint(n))
			if got := runs.of(fmt.Sprint(n)); got != 1 {
				t.Errorf("request %d was run %d times", n, got)
			}
		}
		// The layout has survived all leaders.
		for _, name := range []string{"syft.pub.yaml", "rpc.schema.json", "count/.syftkeep"} {
			if _, err := os.Stat(workers[0].path(filepath.FromSlash(name))); err != nil {
				t.Error(err)
			}
		}
		for _, s := range workers {
			s.stop()
		}
	})
}

// A worker that took the lead under a lease that was not fresh does what a leader does once it is.
func TestLeaderWithFormerlyOldLeaseHasDuties(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		s := newSite(t, generationRouter(make(chan int, 10)), replica).sharing()
		other := newForeignWorker(t, s)
		defer close(other.ended)
		if _, err := s.workersDir().Lead(other.holder.Current(), func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		other.claim("gone")
		s.start()
		defer s.stop()
		claims, err := filepath.Glob(filepath.Join(string(s.workersDir()), "claims", "*"))
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		beats, err := filepath.Glob(filepath.Join(string(s.workersDir()), "beats", "*"))
		if err != nil || len(beats) != 2 {
			t.Fatal(beats, err)
		}
		own := beats[0]
		if filepath.Base(own) == other.holder.Current().Name {
			own = beats[1]
		}
		time.Sleep(3500 * time.Millisecond)
		other.silent.Store(true)
		time.Sleep(testWorkerTimeout/2 - time.Second)
		if err := os.Mkdir(own+".new", 0o755); err != nil { // its heartbeat cannot be written
			t.Fatal(err)
		}
		time.Sleep(testWorkerTimeout - 2*time.Second)
		if err := os.Remove(own + ".new"); err != nil {
			t.Fatal(err)
		}
		if leader, err := s.workersDir().Leader(); err != nil || leader.Holder != filepath.Base(own) {
			t.Errorf("leader: %+v, %v", leader, err)
		}
		time.Sleep(5 * time.Minute)
		if stats := s.server.Stats().Workers; stats.Lapses > 0 {
			t.Errorf("stats: %+v", stats)
		}
		if _, err := os.Lstat(claims[0]); err == nil {
			t.Error("the claim of a request that is gone was not removed")
		}
	})
}

// The claims of requests that are gone are removed, others stay.
func TestClaimsGoWithTheirRequests(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		workers := startWorkers(t, replica, 2, func(int) *syftevent.Router { return generationRouter(make(chan int, 100)) })
		for n := range 10 {
			workers[0].askAs("count", clientEmail, fmt.Sprint(n))
		}
		for n := range 10 {
			workers[0].expect(200, "count", clientEmail, fmt.Sprint(n))
		}
		for n := range 6 {
			name := workers[0].path("count", clientEmail, fmt.Sprint(n))
			if err := errors.Join(os.Remove(name+".request"), os.Remove(name+".response")); err != nil {
				t.Fatal(err)
			}
		}
		claims := func() int {
			files, err := os.ReadDir(filepath.Join(string(workers[0].workersDir()), "claims"))
			if err != nil {
				t.Fatal(err)
			}
			return len(files)
		}
		if time.Sleep(time.Minute); claims() != 10 {
			t.Errorf("%d claims, want 10: SyftBox may restore the requests", claims())
		}
		if time.Sleep(10 * time.Minute); claims() != 4 {
			t.Errorf("%d claims, want 4", claims())
		}
		for _, s := range workers {
			s.stop()
		}
	})
}

// A response that a worker has published and SyftBox has lost is not made again by another worker,
// even if the first one has ended.
func TestReplyOfStoppedWorkerIsKnown(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		first := newSite(t, generationRouter(generations), replica).sharing()
		first.start()
		first.askAs("count", clientEmail, "x")
		first.expect(200, "count", clientEmail, "x")
		name := first.path("count", clientEmail, "x.response")
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		first.stop()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		second := newSite(t, generationRouter(generations), replica).sharing()
		second.start()
		second.expect(200, "count", clientEmail, "x")
		after, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(before, after) || len(generations) != 1 {
			t.Errorf("%d runs, %v, response:\n%s\n%s", len(generations), err, before, after)
		}
		second.stop()
		// A server that is alone then knows it too.
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		third := newSite(t, generationRouter(generations), replica)
		third.start()
		third.expect(200, "count", clientEmail, "x")
		if len(generations) != 1 {
			t.Errorf("%d runs", len(generations))
		}
		third.stop()
	})
}

// A worker that was killed after it had logged its reply, and before it published it.
func TestReplyOfKilledWorkerIsPublished(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		other := newForeignWorker(t, s, "/count")
		defer close(other.ended)
		other.claim("x")
		other.log("x", `{"status_code":200,"id":"x"}`)
		s.start()
		defer s.stop()
		other.silent.Store(true)
		s.askAs("count", clientEmail, "x")
		began := time.Now()
		s.expect(200, "count", clientEmail, "x")
		if took := time.Since(began); took > testWorkerTimeout+4*time.Second || len(generations) > 0 {
			t.Errorf("published after %v, %d runs", took, len(generations))
		}
	})
}

// A worker that was suspended goes on, with another lease, and replies to what it had claimed before.
// Its log is read again when another of its replies is missing.
func TestLaterReplyOfSuspendedWorkerIsKnown(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		other := newForeignWorker(t, s, "/count")
		defer close(other.ended)
		other.claim("first")
		other.claim("second")
		s.start()
		defer s.stop()
		other.silent.Store(true)
		other.log("unrelated", `{"status_code":200}`)
		s.askAs("count", clientEmail, "first")
		s.expect(200, "count", clientEmail, "first")
		if n := len(generations); n != 1 {
			t.Fatalf("%d runs", n)
		}
		other.silent.Store(false)
		other.log("second", `{"status_code":200,"id":"second","body":"its own"}`)
		time.Sleep(2 * time.Second)
		s.askAs("count", clientEmail, "second")
		s.expect(200, "count", clientEmail, "second")
		checkRestored(t, s, "second", "its own", len(generations), 1)
	})
}

// A worker knows a reply only from the log of the one that it has taken the request over from, and is
// stopped before it has published it again. The next one reads the log of the first.
func TestReplyIsKnownAfterTwoTakeovers(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		second := newSite(t, generationRouter(generations), replica).sharing()
		second.server.RepublishDelay = time.Minute
		first := newForeignWorker(t, second, "/count")
		defer close(first.ended)
		first.claim("x")
		first.log("x", `{"status_code":200,"id":"x","body":"its own"}`)
		first.logPublished("x")
		second.start()
		first.silent.Store(true)
		second.askAs("count", clientEmail, "x")
		for second.server.Stats().Workers.TakenOver == 0 {
			time.Sleep(time.Second)
		}
		first.silent.Store(false)
		time.Sleep(2 * time.Second)
		second.stop()
		third := newSite(t, generationRouter(generations), replica).sharing()
		third.start()
		defer third.stop()
		third.expect(200, "count", clientEmail, "x")
		checkRestored(t, third, "x", "its own", len(generations), 0)
	})
}

// A worker was suspended in a handler, and has logged its reply when it went on: another one had taken
// over the request and published its own, which counts.
func TestReplyThatWasPublishedCounts(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		generations := make(chan int, 10)
		s := newSite(t, generationRouter(generations), replica).sharing()
		first := newForeignWorker(t, s, "/count")
		defer close(first.ended)
		second := newForeignWorker(t, s, "/count")
		defer close(second.ended)
		first.claim("x")
		second.claim("x")
		second.log("x", `{"status_code":200,"id":"x","body":"published"}`)
		second.logPublished("x")
		first.log("x", `{"status_code":200,"id":"x","body":"too late"}`)
		first.silent.Store(true)
		second.silent.Store(true)
		s.start()
		defer s.stop()
		s.askAs("count", clientEmail, "x")
		s.expect(200, "count", clientEmail, "x")
		checkRestored(t, s, "x", "published", len(generations), 0)
	})
}

func TestWorkersAndServerAloneExcludeEachOther(t *testing.T) {
	for _, local := range []bool{false, true} {
		inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
			site := func() *site {
				s := newSite(t, demoRouter(), replica)
				if local {
					s.onHost()
				}
				return s
			}
			alone, worker := site(), site().sharing()
			alone.start()
			if err := worker.server.Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
				t.Errorf("worker beside a server that is alone: %v", err)
			}
			alone.stop()
			worker.start()
			if err := site().server.Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
				t.Errorf("server beside a worker: %v", err)
			}
			worker.stop()
			last := site()
			last.start()
			last.stop()
		})
	}
}

func TestListWorkers(t *testing.T) {
	inNetwork(t, func(t *testing.T, replica *fakebox.Replica) {
		client := &syftevent.Client{Email: serverEmail, DataDir: replica.DataDir()}
		s := newSite(t, slowRouter(sleep(time.Minute)), replica).sharing()
		s.server.DrainTimeout = -1
		if err := os.MkdirAll(s.path(), 0o755); err != nil {
			t.Fatal(err)
		}
		if all, err := syftevent.ListWorkers(t.Context(), client, appName); err != nil || len(all) != 0 {
			t.Errorf("no workers: %v, %v", all, err)
		}
		other := newForeignWorker(t, s, "/x")
		other.silent.Store(true)
		s.start()
		s.askAs("slow", clientEmail, "x")
		time.Sleep(5 * time.Second)
		all, err := syftevent.ListWorkers(t.Context(), client, appName)
		if err != nil || len(all) != 2 {
			t.Fatalf("workers: %v, %v", all, err)
		}
		for _, w := range all {
			ghost := w.Name == other.holder.Current().Name
			switch {
			case ghost && (w.Alive || w.Leading || len(w.Requests) > 0):
				t.Errorf("dead worker: %+v", w)
			case !ghost && (!w.Alive || !w.Leading || !slices.Equal(w.Requests, []string{"slow/" + clientEmail + "/x.request"}) || w.InFlight != 1):
				t.Errorf("live worker: %+v", w)
			}
		}
		close(other.ended)
		s.stop()
	})
}

func TestWorkersDoNotWatch(t *testing.T) {
	skipUnlessShared(t)
	s := newSite(t, nil, fakebox.New(t, fakebox.Config{}).Join(serverEmail)).sharing()
	s.server.Watch("*.json", func(context.Context, *syftevent.FileEvent) error { return nil })
	if err := s.server.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "Watch") {
		t.Error(err)
	}
}

func TestWorkerTimeoutIsChecked(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	for _, timeout := range []time.Duration{-1, time.Millisecond} {
		s := newSite(t, nil, replica)
		s.server.WorkerTimeout = timeout
		if err := s.server.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "WorkerTimeout") {
			t.Errorf("%v: %v", timeout, err)
		}
	}
}

// text returns all that was logged.
func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
