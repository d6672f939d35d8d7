package syftevent_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfteventtest"
)

// A Job is work that takes longer than a caller waits. Its ID is that of the request, which is
// unique among the sender's requests.
type Job struct {
	ID     string `json:"id"`
	Sender string `json:"-"`
	Input  string `json:"-"`
	Done   bool   `json:"done"`
	Result string `json:"result,omitempty"`
}

// A JobStore keeps jobs. A server whose jobs survive a restart has one on disk.
type JobStore interface {
	// Add adds a job unless the sender has one with the ID, and reports whether it did.
	Add(job Job) (added bool, err error)
	// Finish replaces a job by one with its result.
	Finish(job Job) error
	Job(sender, id string) (job Job, ok bool, err error)
	Unfinished() ([]Job, error)
}

// Jobs serves "POST /jobs", which responds with 202 at once, and "GET /jobs/{id}", by which the
// caller polls for the result.
type Jobs struct {
	Store JobStore
	Work  func(ctx context.Context, input string) string

	running sync.WaitGroup
}

// Register adds the endpoints to a router, and continues the jobs that a previous process has not
// finished. Jobs run until ctx ends.
func (j *Jobs) Register(ctx context.Context, router *syftevent.Router) error {
	router.HandleFunc("POST /jobs", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		// The server may call a handler again for the same request: it then finds the same job.
		job := Job{ID: req.ID, Sender: req.Sender, Input: req.Text()}
		added, err := j.Store.Add(job)
		if err != nil {
			return nil, err
		}
		if added {
			j.start(ctx, job)
		}
		return syftevent.JSON(202, job)
	})
	router.HandleFunc("GET /jobs/{id}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		job, ok, err := j.Store.Job(req.Sender, req.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, syftevent.Errorf(404, "No such job")
		}
		return syftevent.JSON(200, job)
	})
	unfinished, err := j.Store.Unfinished()
	for _, job := range unfinished {
		j.start(ctx, job)
	}
	return err
}

func (j *Jobs) start(ctx context.Context, job Job) {
	j.running.Go(func() {
		job.Done, job.Result = true, j.Work(ctx, job.Input)
		if ctx.Err() == nil { // else the next process starts it again
			j.Store.Finish(job)
		}
	})
}

// Wait waits until no job is running.
func (j *Jobs) Wait() { j.running.Wait() }

// MemoryJobs is a JobStore in memory. The zero value is empty.
type MemoryJobs struct {
	mu   sync.Mutex
	jobs map[jobKey]Job
}

type jobKey struct{ sender, id string }

func (m *MemoryJobs) Add(job Job) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, exists := m.jobs[jobKey{job.Sender, job.ID}]; exists {
		return false, nil
	}
	if m.jobs == nil {
		m.jobs = map[jobKey]Job{}
	}
	m.jobs[jobKey{job.Sender, job.ID}] = job
	return true, nil
}

func (m *MemoryJobs) Finish(job Job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs[jobKey{job.Sender, job.ID}] = job
	return nil
}

func (m *MemoryJobs) Job(sender, id string) (Job, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	job, ok := m.jobs[jobKey{sender, id}]
	return job, ok, nil
}

func (m *MemoryJobs) Unfinished() (jobs []Job, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, job := range m.jobs {
		if !job.Done {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// Work that takes longer than a caller waits is a job: the handler responds with 202 at once, and
// the caller polls. Jobs survive a restart of the server, as their store does.
func Example_jobs() {
	store := &MemoryJobs{}

	// The first process stops while it works.
	ctx, stop := context.WithCancel(context.Background())
	first := &Jobs{Store: store, Work: func(ctx context.Context, input string) string { <-ctx.Done(); return "" }}
	router := syftevent.NewRouter()
	if err := first.Register(ctx, router); err != nil {
		fmt.Println(err)
	}
	order := syfteventtest.NewRequest("POST", "/jobs", "alice@example.com", "a long text")
	fmt.Println(syfteventtest.Serve(router, order).StatusCode)
	stop()
	first.Wait()

	// The next one finishes the job.
	second := &Jobs{Store: store, Work: func(ctx context.Context, input string) string { return strings.ToUpper(input) }}
	router = syftevent.NewRouter()
	if err := second.Register(context.Background(), router); err != nil {
		fmt.Println(err)
	}
	second.Wait()
	poll := syfteventtest.NewRequest("GET", "/jobs/"+order.ID, "alice@example.com", nil)
	var job Job
	if err := syfteventtest.Serve(router, poll).DecodeJSON(&job); err != nil {
		fmt.Println(err)
	}
	fmt.Println(job.Done, job.Result)

	// Another sender does not see it.
	poll = syfteventtest.NewRequest("GET", "/jobs/"+order.ID, "eve@example.com", nil)
	fmt.Println(syfteventtest.Serve(router, poll).StatusCode)
	// Output:
	// 202
	// true A LONG TEXT
	// 404
}
