package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/caller"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A pair is a server at bob's and a client at alice's, for the app of a trial.
type pair struct {
	t       *trial
	server  *target.Process
	workers []*target.Process // that share the work of the server
	client  *caller.Client
	command []string       // of the server
	options map[string]any // of the server
	record  string         // file to which /record appends
}

// startPair starts a server and a client.
func (t *trial) startPair(ctx context.Context, server, client []string) (*pair, error) {
	return t.startTeam(ctx, server, client, 0)
}

// workerTimeout is that of servers that share the work.
const workerTimeout = 3 * time.Second

// startTeam starts a server, a number of others that share its work, and a client.
func (t *trial) startTeam(ctx context.Context, server, client []string, workers int) (_ *pair, err error) {
	p := &pair{t: t, command: server, record: filepath.Join(t.dir, "record.log")}
	if workers > 0 {
		p.options = map[string]any{"workers": true, "worker_timeout": workerTimeout.String()}
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := p.startServer(ctx); err != nil {
		return nil, err
	}
	for range workers {
		if err := p.startWorker(ctx); err != nil {
			return nil, err
		}
	}
	p.client, err = caller.Start(ctx, client, caller.Settings{
		ConfigPath: t.network.ConfigPath(Alice), App: t.app, LogDir: t.dir, ReadyTimeout: readyTimeout,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// library starts the library's server and client.
func (t *trial) library(ctx context.Context) (*pair, error) {
	return t.startPair(ctx, t.config.Server, t.config.Client)
}

const readyTimeout = time.Minute

// startServer starts the server. It must not be running.
func (p *pair) startServer(ctx context.Context) (err error) {
	p.server, err = p.start(ctx, p.t.dir)
	return err
}

// startWorker starts another server that shares the work.
func (p *pair) startWorker(ctx context.Context) error {
	dir := filepath.Join(p.t.dir, fmt.Sprint("worker-", len(p.workers)+1))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	worker, err := p.start(ctx, dir)
	if err == nil {
		p.workers = append(p.workers, worker)
	}
	return err
}

func (p *pair) start(ctx context.Context, logDir string) (*target.Process, error) {
	process, err := target.Start(ctx, target.Command{Args: p.command, ReadyTimeout: readyTimeout}, target.Settings{
		ConfigPath: p.t.network.ConfigPath(Bob), App: p.t.app, RecordPath: p.record, LogDir: logDir, Options: p.options,
	})
	var notReady *target.NotReadyError
	if errors.As(err, &notReady) {
		err = fmt.Errorf("%w: %s", err, notReady.Stderr)
	}
	return process, err
}

// stopGrace is how long a server may take to stop.
const stopGrace = 15 * time.Second

// close kills the client, which has no calls left, and stops the servers.
func (p *pair) close() {
	if p.client != nil {
		p.client.Kill()
	}
	if p.server != nil {
		p.server.Stop(stopGrace)
	}
	for _, w := range p.workers {
		w.Stop(stopGrace)
	}
}

func (p *pair) call(endpoint string, body []byte, timeout time.Duration) <-chan caller.Result {
	return p.client.Go(caller.Call{URL: p.t.url(endpoint), Body: body, Timeout: timeout})
}

// callTimeout is longer than any answered call takes: several full synchronizations.
const callTimeout = 90 * time.Second

// An outcome summarizes the results of a number of calls.
type outcome struct {
	took     []time.Duration // of answered calls, sorted
	lost     int             // calls without a response
	wrong    int             // responses with a status other than 200
	resent   int
	firstErr error
	all      time.Duration // from the first call to the last result
}

func (o *outcome) add(r caller.Result) {
	o.resent += r.Resent
	switch {
	case r.Err != nil:
		o.lost++
		if o.firstErr == nil {
			o.firstErr = r.Err
		}
	case r.Status != 200:
		o.wrong++
		if o.firstErr == nil {
			o.firstErr = fmt.Errorf("status %d: %.100q", r.Status, r.Body)
		}
	default:
		o.took = append(o.took, r.Took)
	}
	slices.Sort(o.took)
}

// merge adds the calls of another round.
func (o *outcome) merge(other outcome) {
	o.took = append(o.took, other.took...)
	slices.Sort(o.took)
	o.lost += other.lost
	o.wrong += other.wrong
	o.resent += other.resent
	if o.firstErr == nil {
		o.firstErr = other.firstErr
	}
}

// percentile returns a percentile of the durations, by nearest rank.
func (o *outcome) percentile(share float64) time.Duration {
	if len(o.took) == 0 {
		return 0
	}
	rank := int(math.Ceil(share * float64(len(o.took))))
	return o.took[max(rank, 1)-1]
}

func (o *outcome) String() string {
	text := fmt.Sprintf("%d answered", len(o.took))
	if o.lost > 0 || o.wrong > 0 {
		text += fmt.Sprintf(", %d lost, %d wrong", o.lost, o.wrong)
	}
	if o.resent > 0 {
		text += fmt.Sprintf(", %d resent", o.resent)
	}
	if len(o.took) > 0 {
		text += fmt.Sprintf(", p50 %s, p90 %s, max %s", millis(o.percentile(0.5)), millis(o.percentile(0.9)), millis(o.took[len(o.took)-1]))
	}
	return text
}

// check fails unless every call was answered with status 200.
func (o *outcome) check() error {
	if o.lost == 0 && o.wrong == 0 {
		return nil
	}
	return failf("%d without a response, %d with a status other than 200, first: %v", o.lost, o.wrong, o.firstErr)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// oneAtATime makes calls one after the other.
func (p *pair) oneAtATime(ctx context.Context, endpoint string, count int) (outcome, error) {
	var o outcome
	began := time.Now()
	for range count {
		select {
		case r := <-p.call(endpoint, []byte("hello"), callTimeout):
			o.add(r)
		case <-ctx.Done():
			return o, context.Cause(ctx)
		}
	}
	o.all = time.Since(began)
	return o, nil
}

// atOnce makes calls concurrently.
func (p *pair) atOnce(ctx context.Context, endpoint string, count int, timeout time.Duration) (outcome, error) {
	began := time.Now()
	var pending []<-chan caller.Result
	for range count {
		pending = append(pending, p.call(endpoint, []byte("hello"), timeout))
	}
	o, err := collect(ctx, pending)
	o.all = time.Since(began)
	return o, err
}

func collect(ctx context.Context, pending []<-chan caller.Result) (outcome, error) {
	var o outcome
	for _, result := range pending {
		select {
		case r := <-result:
			o.add(r)
		case <-ctx.Done():
			return o, context.Cause(ctx)
		}
	}
	return o, nil
}

// runs returns how often the handler of /record has run, by request id.
func (p *pair) runs() (map[string]int, error) {
	data, err := os.ReadFile(p.record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	runs := map[string]int{}
	for _, id := range strings.Fields(string(data)) {
		runs[id]++
	}
	return runs, nil
}

// ranAgain counts the requests whose handler has run more than once, among ids or, if ids
// is nil, among all.
func (p *pair) ranAgain(ids map[string]bool) (int, error) {
	runs, err := p.runs()
	if err != nil {
		return 0, err
	}
	count := 0
	for id, n := range runs {
		if n > 1 && (ids == nil || ids[id]) {
			count++
		}
	}
	return count, nil
}

// answered returns the ids of the requests for which bob has or had a response.
func (p *pair) answered() map[string]bool {
	ids := map[string]bool{}
	for _, s := range p.t.observer.All(Bob) {
		if name, ok := strings.CutSuffix(path.Base(s.Key), ".response"); ok && !s.Dir {
			ids[name] = true
		}
	}
	return ids
}

// leftovers returns the app's requests, responses and markers on both sides, by person.
func (t *trial) leftovers() map[string][]string {
	left := map[string][]string{}
	for _, who := range []string{Alice, Bob} {
		for _, suffix := range []string{".request", ".response"} {
			left[who] = append(left[who], t.observer.Files(who, t.rpc(""), suffix)...)
		}
	}
	return left
}
