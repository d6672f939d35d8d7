//go:build linux

package syftevent_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// TestWorkersProof shares work between real processes and kills, suspends and restarts them at
// random. By default it is small; with -proof it has 5,000 requests. Flags set other sizes.
var (
	workersCount    = flag.Int("workers", 4, "the workers of TestWorkersProof")
	workersRequests = flag.Int("workerrequests", 0, "the requests of TestWorkersProof (default 5000 with -proof, 600 without)")
	workersTimeout  = flag.Duration("workertimeout", 2*time.Second, "the WorkerTimeout of TestWorkersProof")
	workersDir      = flag.String("workersdir", "", "an empty folder for TestWorkersProof and TestWorkersThroughput (default a temporary one)")
	workersMounts   = flag.String("workersmounts", "", "folders that show -workersdir, separated by commas, for the workers in turn")
	workersClients  = flag.String("workersclients", "", "files with the ids of the processes of -workersmounts, which are suspended to cut workers off")
	workersMeasure  = flag.Int("workersmeasure", 0, "the requests of TestWorkersThroughput for each worker (default 1000 with -proof, none without)")
)

// workerVariable holds the settings of a worker process.
const workerVariable = "SYFTEVENT_PROOF_WORKER"

// workerSettings are what the proof tells a worker.
type workerSettings struct {
	DataDir     string
	Record      string // a file for what is run
	Timeout     time.Duration
	Handler     time.Duration // how long a request takes
	Concurrency int           // 0 for the default
	Reserve     int
	Alone       bool // without ShareWork
	Life        int  // a number for this process
}

// A workerRun is a line of the record: a handler has begun a request.
type workerRun struct {
	ID         string
	Life       int
	Generation int
}

// TestWorkerProcess is a worker of the proofs.
func TestWorkerProcess(t *testing.T) {
	var settings workerSettings
	if json.Unmarshal([]byte(os.Getenv(workerVariable)), &settings) != nil {
		t.Skip("for the proofs")
	}
	record, err := os.OpenFile(settings.Record, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	router := syftevent.NewRouter()
	router.OnRequest("/work", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		line, err := json.Marshal(workerRun{req.ID, settings.Life, req.Generation})
		if err == nil {
			_, err = record.Write(append(line, '\n'))
		}
		time.Sleep(settings.Handler)
		return syftevent.Text(200, fmt.Sprint("worker ", settings.Life, ", generation ", req.Generation)), err
	})
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: settings.DataDir}, Router: router,
		ShareWork: !settings.Alone, WorkerTimeout: settings.Timeout, Concurrency: settings.Concurrency, Reserve: settings.Reserve,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)).With("life", settings.Life),
	}
	if err := server.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(4)
	}
	fmt.Println(proofReply + "ready")
	var end [1]byte
	os.Stdin.Read(end[:])
	stats, err := json.Marshal(server.Stats().Workers)
	if err == nil {
		fmt.Println(proofReply + string(stats))
		err = server.Shutdown(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A fleet is the workers of a proof.
type fleet struct {
	*proof
	mounts   []string // data folders, for the workers in turn
	clients  []int    // the processes of the mounts; nil if they cannot be suspended
	settings workerSettings
	answered chan struct{} // closed when all requests are

	mu       sync.Mutex
	lives    int
	disturbs map[int]string // what was done to each life: killed, suspended or cut off
	counts   map[string]int // of disturbances
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	skipUnlessShared(t)
	dir := *workersDir
	if dir != "" {
		dir = filepath.Join(dir, fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano()))
	}
	f := &fleet{proof: newProofAlone(t, dir), disturbs: map[int]string{}, counts: map[string]int{}, answered: make(chan struct{})}
	f.mounts = []string{f.proof.settings.DataDir}
	if *workersMounts != "" {
		f.mounts = nil
		for mount := range strings.SplitSeq(*workersMounts, ",") {
			f.mounts = append(f.mounts, filepath.Join(mount, filepath.Base(dir)))
		}
	}
	if *workersClients != "" {
		for file := range strings.SplitSeq(*workersClients, ",") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			f.clients = append(f.clients, pid)
			t.Cleanup(func() { syscall.Kill(pid, syscall.SIGCONT) })
		}
		if len(f.clients) != len(f.mounts) {
			t.Fatalf("%d mounts have %d processes", len(f.mounts), len(f.clients))
		}
	}
	f.settings = workerSettings{Record: f.proof.settings.Record, Timeout: *workersTimeout}
	if err := os.MkdirAll(f.rpc(), 0o755); err != nil {
		t.Fatal(err)
	}
	return f
}

// launchWorker starts a worker, which may not be ready yet.
func (f *fleet) launchWorker() (*proofChild, int) {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives++
	settings := f.settings
	settings.Life, settings.DataDir = f.lives, f.mounts[f.lives%len(f.mounts)]
	data, err := json.Marshal(settings)
	if err != nil {
		f.Fatal(err)
	}
	f.environment = workerVariable + "=" + string(data)
	f.test = "^TestWorkerProcess$"
	return f.launch(), f.lives
}

// TestWorkersProof: nothing is lost or answered twice, and only requests of workers that were
// killed, suspended or cut off from their mount are run twice.
func TestWorkersProof(t *testing.T) {
	f := newFleet(t)
	requests := *workersRequests
	if requests == 0 {
		requests = 600
		if *fullProof {
			requests = 5000
		}
	}
	f.settings.Handler = 20 * time.Millisecond
	t.Logf("seed %d, %d workers, %d requests, WorkerTimeout %v", *proofSeed, *workersCount, requests, f.settings.Timeout)
	var all sync.WaitGroup
	over := make(chan struct{})
	stats := make([]string, *workersCount)
	for i := range *workersCount {
		all.Go(func() { stats[i] = f.disturb(i, over) })
	}

	var mu sync.Mutex
	var letters []letter
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		chance := rand.New(rand.NewPCG(*proofSeed, 1000))
		for n := range requests {
			l := f.write("work", fmt.Sprintf("sender%d@example.com", n%20), nil)
			mu.Lock()
			letters = append(letters, l)
			mu.Unlock()
			if n%50 > 25 { // the others come at once
				time.Sleep(time.Duration(chance.IntN(30_000_000)))
			}
		}
	}()
	first := map[string][]byte{}
	// check reads the responses that were not listed before, or all: on a network file system that
	// takes minutes. It lists the folders, as SyftBox does: after a mount of GlusterFS was cut off, a
	// file that another one made may not be found by its name until its folder is listed.
	check := func(all bool) (unanswered int) {
		listed := f.listResponses()
		mu.Lock()
		written := slices.Clone(letters)
		mu.Unlock()
		for _, l := range written {
			seen := first[l.id]
			if seen != nil && !all {
				continue
			}
			var data []byte
			if listed[filepath.Base(l.name)] {
				data = f.read(l)
			}
			switch {
			case data == nil && seen != nil:
				t.Errorf("%s: the response has vanished", l.name)
			case data == nil:
				unanswered++
			case seen == nil:
				first[l.id] = data
			case !bytes.Equal(data, seen):
				t.Errorf("%s: the response has changed:\n%s\n%s", l.name, seen, data)
			}
		}
		return unanswered
	}
	for done := false; !done; check(false) {
		select {
		case <-sent:
			done = true
		case <-time.After(time.Second):
		}
	}
	close(over)
	began, progress, least := time.Now(), time.Now(), requests
	for left := check(false); left > 0; left = check(false) {
		if left < least {
			progress, least = time.Now(), left
		}
		if time.Since(progress) > proofPatience {
			t.Fatalf("%d requests are unanswered: %.500q\n%s", left, f.unanswered(), f.child.log())
		}
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(began)
	close(f.answered)
	all.Wait()
	check(true)
	f.judgeRuns(requests, first)
	t.Logf("%d processes, disturbances: %v; all answered %v after the last request", f.lives, f.counts, took.Round(time.Millisecond))
	t.Logf("at the end:\n%s", strings.Join(stats, "\n"))
}

// disturb runs one worker at a time, and kills, suspends, cuts off or restarts it until over is
// closed. It returns the figures of the last one.
func (f *fleet) disturb(i int, over <-chan struct{}) string {
	chance := rand.New(rand.NewPCG(*proofSeed, uint64(i)))
	child, life := f.launchWorker()
	defer func() { child.kill() }()
	for {
		if reply := child.reply(); reply != "ready" {
			f.Errorf("worker %d: %q\n%s", life, reply, child.log())
			return ""
		}
		what := ""
		select {
		case <-over:
			<-f.answered
			child.stop()
			if len(child.replies) == 0 {
				f.Errorf("worker %d has ended without its figures:\n%s", life, child.log())
				return ""
			}
			return fmt.Sprintf("worker %d: %s", life, <-child.replies)
		case <-time.After(time.Duration(200+chance.IntN(2000)) * time.Millisecond):
			what = [...]string{"killed", "suspended", "restarted", "cut off"}[chance.IntN(min(3+len(f.clients), 4))]
		}
		f.mu.Lock()
		f.counts[what]++
		if what == "killed" || what == "suspended" {
			f.disturbs[life] = what
		}
		f.mu.Unlock()
		switch what {
		case "killed":
			child.kill()
		case "suspended":
			child.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(3 * f.settings.Timeout)
			child.cmd.Process.Signal(syscall.SIGCONT)
			child.replies <- "ready" // still
			continue
		case "cut off":
			f.cutOff(life)
			child.replies <- "ready" // still
			continue
		case "restarted":
			child.stop()
		}
		child, life = f.launchWorker()
	}
}

// cutOff cuts a worker off from its mount for three leases, and others of the same mount.
func (f *fleet) cutOff(life int) {
	at := life % len(f.mounts)
	syscall.Kill(f.clients[at], syscall.SIGSTOP)
	time.Sleep(3 * f.settings.Timeout)
	syscall.Kill(f.clients[at], syscall.SIGCONT)
	f.mu.Lock()
	defer f.mu.Unlock()
	for other := range f.lives + 1 {
		if other%len(f.mounts) == at && f.disturbs[other] == "" {
			f.disturbs[other] = "cut off"
		}
	}
}

// judgeRuns checks that requests were run once, but for those whose worker was killed, suspended
// or cut off.
func (f *fleet) judgeRuns(requests int, responses map[string][]byte) {
	f.Helper()
	data, err := os.ReadFile(f.settings.Record)
	if err != nil {
		f.Fatal(err)
	}
	runs := map[string][]workerRun{}
	for line := range bytes.Lines(data) {
		var r workerRun
		if err := json.Unmarshal(line, &r); err != nil {
			f.Errorf("record: %q: %v", line, err)
			continue
		}
		runs[r.ID] = append(runs[r.ID], r)
	}
	again := map[string]int{}
	refused := 0
	for id, response := range responses {
		all := runs[id]
		if statusIn(response) != 200 {
			refused++ // it may have killed three workers
			if len(all) < 3 {
				f.Errorf("%s: status %d after the runs %+v", id, statusIn(response), all)
			}
			continue
		}
		if len(all) == 0 {
			f.Errorf("%s was answered and not run", id)
			continue
		}
		// A worker that was suspended just before it called the handler runs it when it goes on.
		slices.SortStableFunc(all, func(a, b workerRun) int { return cmp.Compare(a.Generation, b.Generation) })
		for i, r := range all[:len(all)-1] {
			what := f.disturbs[r.Life]
			if what == "" && all[i+1].Life != r.Life {
				f.Errorf("%s was run again although worker %d was left alone: %+v", id, r.Life, all)
			}
			again[what]++
		}
		generations := map[int]int{}
		for _, r := range all {
			if life, known := generations[r.Generation]; known && life != r.Life {
				f.Errorf("%s was run by two workers under one generation: %+v", id, all)
			}
			generations[r.Generation] = r.Life
		}
	}
	if len(responses) != requests {
		f.Errorf("%d of %d requests were answered", len(responses), requests)
	}
	f.Logf("%d requests, 0 lost; run again because their worker was killed: %d, suspended: %d, cut off: %d; refused after three deaths: %d",
		requests, again["killed"], again["suspended"], again["cut off"], refused)
}

// TestWorkersThroughput measures how many requests a second 1, 2, 4 and 8 workers answer, whose
// handlers sleep, how many as many servers do that share nothing, and how many the file system
// allows: bare loops, 4 for each mount, that read, claim, write and link, and do nothing else. It
// asserts nothing about time.
func TestWorkersThroughput(t *testing.T) {
	requests := *workersMeasure
	switch {
	case requests > 0:
	case *fullProof:
		requests = 1000
	default:
		t.Skip("it only measures; use -proof or -workersmeasure")
	}
	t.Run("bare", func(t *testing.T) {
		f := newFleet(t)
		for _, mounts := range []int{1, len(f.mounts)} {
			rate := f.bareLoops(mounts, requests)
			t.Logf("bare loops on %d mounts: %.0f requests a second", mounts, rate)
		}
	})
	single := 0.0
	for _, count := range []int{0, 1, 2, 4, 8} { // 0 for a server that is alone
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			f := newFleet(t)
			f.settings.Alone = count == 0
			rate := throughput(f.queue(requests*max(1, count), max(1, count)))
			if count == 1 {
				single = rate
			}
			name := fmt.Sprintf("%d workers", count)
			if count == 0 {
				name = "one server without ShareWork"
			}
			linear := ""
			if count > 0 {
				linear = fmt.Sprintf("; %.2f of linear", rate/(single*float64(count)))
			}
			t.Logf("%s, 4 handlers of 20 ms each: %.0f requests a second, at most %d%s", name, rate, 200*max(1, count), linear)
		})
	}
	// What leases on shards of the folders could give at best: servers that never ask each other.
	for _, count := range []int{2, 4, 8} {
		t.Run(fmt.Sprintf("apart-%d", count), func(t *testing.T) {
			var queues []*queue
			for n := range count {
				f := newFleet(t)
				f.settings.Alone = true
				f.mounts = f.mounts[n%len(f.mounts):][:1]
				queues = append(queues, f.queue(requests, 1))
			}
			t.Logf("%d servers of an app each: %.0f requests a second", count, throughput(queues...))
		})
	}
}

// A queue is requests that wait for the workers of a fleet, which run and do not see them yet.
type queue struct {
	*fleet
	requests int
	workers  []*proofChild
	hidden   string // the folder with the requests
}

// queue writes requests, and starts workers.
func (f *fleet) queue(requests, workers int) *queue {
	f.Helper()
	f.settings.Handler, f.settings.Concurrency, f.settings.Reserve = 20*time.Millisecond, 4, -1
	for i := range requests {
		f.write("work", fmt.Sprintf("sender%d@example.com", i%20), nil)
	}
	q := &queue{fleet: f, requests: requests, hidden: f.rpc() + "-hidden"}
	if err := os.Rename(f.rpc(), q.hidden); err != nil {
		f.Fatal(err)
	}
	for range workers {
		child, life := f.launchWorker()
		if reply := child.reply(); reply != "ready" {
			f.Fatalf("worker %d: %q\n%s", life, reply, child.log())
		}
		q.workers = append(q.workers, child)
	}
	return q
}

// throughput shows some queues to their workers, and returns how many requests a second they answer.
func throughput(queues ...*queue) float64 {
	time.Sleep(2500 * time.Millisecond) // until the workers know each other
	began, total := time.Now(), 0
	for _, q := range queues {
		total += q.requests
		entries, err := os.ReadDir(filepath.Join(q.hidden, "work"))
		if err != nil {
			q.Fatal(err)
		}
		for _, entry := range entries {
			if err := os.Rename(filepath.Join(q.hidden, "work", entry.Name()), filepath.Join(q.rpc(), "work", entry.Name())); err != nil {
				q.Fatal(err)
			}
		}
	}
	for _, q := range queues {
		for !q.isAnswered() {
			if time.Since(began) > 10*proofPatience {
				q.Fatalf("not all of %d requests are answered\n%s", q.requests, q.workers[0].log())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(began)
	for _, q := range queues {
		for _, w := range q.workers {
			w.stop()
			if !q.settings.Alone && len(w.replies) > 0 {
				q.Logf("worker: %s", <-w.replies)
			}
		}
	}
	return float64(total) / took.Seconds()
}

// isAnswered reports whether all requests are. It counts responses only when all were run: counting
// them all the time would take from a network file system what is measured.
func (q *queue) isAnswered() bool {
	q.Helper()
	record, err := os.ReadFile(q.settings.Record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		q.Fatal(err)
	}
	if bytes.Count(record, []byte("\n")) < q.requests {
		return false
	}
	return len(q.listResponses()) == q.requests
}

// bareLoops returns how many requests a second loops on some of the mounts claim and answer.
func (f *fleet) bareLoops(mounts, requests int) float64 {
	f.Helper()
	const loops = 4 // per mount
	var letters []letter
	for n := range requests {
		letters = append(letters, f.write("work", fmt.Sprintf("sender%d@example.com", n%20), nil))
	}
	const claims = "claims"
	if err := os.MkdirAll(filepath.Join(f.proof.settings.DataDir, claims), 0o755); err != nil {
		f.Fatal(err)
	}
	var all sync.WaitGroup
	began := time.Now()
	for loop := range loops * mounts {
		all.Go(func() {
			mount := f.mounts[loop%mounts]
			for n := loop; n < len(letters); n += loops * mounts {
				if err := bareAnswer(mount, claims, f.proof.settings.DataDir, letters[n]); err != nil {
					f.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(requests) / time.Since(began).Seconds()
}

// bareAnswer claims and answers a request with as few calls as possible.
func bareAnswer(mount, claims, dataDir string, l letter) error {
	rel, err := filepath.Rel(dataDir, l.name)
	if err != nil {
		return err
	}
	stem := filepath.Join(mount, rel)
	data, err := os.ReadFile(stem + ".request")
	if err != nil {
		return err
	}
	if err := os.Symlink("holder", filepath.Join(mount, claims, l.id)); err != nil {
		return err
	}
	response := stem + ".response"
	if err := os.WriteFile(response+".tmp", data, 0o644); err != nil {
		return err
	}
	if err := os.Link(response+".tmp", response); err != nil {
		return err
	}
	return os.Remove(response + ".tmp")
}

// listResponses returns the stems of all responses.
func (f *fleet) listResponses() map[string]bool {
	f.Helper()
	responses, err := filepath.Glob(filepath.Join(f.rpc(), "work", "*", "*.response"))
	if err != nil {
		f.Fatal(err)
	}
	stems := map[string]bool{}
	for _, name := range responses {
		stems[strings.TrimSuffix(filepath.Base(name), ".response")] = true
	}
	return stems
}
