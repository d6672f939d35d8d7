package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/caller"
)

var libraryExperiments = []Experiment{
	{
		Name: "library-quiet", Isolation: Own, Library: true,
		Want: "after 20 s without calls, most calls take less than half a cycle: the fast path survives the removal of earlier pairs",
		run:  libraryQuiet,
	},
	{
		Name: "library-sizes", Isolation: Own, Library: true,
		Want: "/echo returns bodies of 100 B to 5 MB, including sizes in the dead zone",
		run:  librarySizes,
	},
	{
		Name: "library-restart", Isolation: Own, Library: true,
		Want: "every call made while the library's server is stopped, killed and restarted is answered; no answered request runs again",
		run:  libraryRestart,
	},
	{
		Name: "library-outage", Isolation: Own, Library: true,
		Want: "with the view delayed by 400 ms, while SyftBox's client, SyftBox's server and the library's server are killed and restarted, every call is answered; no answered request runs again",
		run:  libraryOutage,
	},
	{
		Name: "library-litter", Isolation: Own, Library: true,
		Want: "after calls with and without the view delayed by 400 ms, no file is left on either side",
		run:  libraryLitter,
	},
	{
		Name: "library-workers", Isolation: Own, Library: true,
		Want: "three of the library's servers share the calls; while one is killed, one is stopped and another one starts, every call is answered, and no answered request runs again",
		run:  libraryWorkers,
	},
	{
		Name: "library-gateway", Isolation: Shared, Library: true,
		Want: "the library's server answers requests from the HTTP gateway",
		run:  libraryGateway,
	},
	{
		Name: "library-round-trip", Isolation: Exclusive, Library: true,
		Want: "calls one at a time are all answered, 9 of 10 within 1 s",
		run:  libraryRoundTrip,
	},
	{
		Name: "library-burst", Isolation: Exclusive, Library: true,
		Want: "40, 100 and 300 concurrent calls are all answered, and each runs once",
		run:  libraryBurst,
	},
}

// warmUp makes the first calls of a pair, which create directories.
func (p *pair) warmUp(ctx context.Context, endpoints ...string) error {
	for _, endpoint := range endpoints {
		o, err := p.oneAtATime(ctx, endpoint, 2)
		if err != nil {
			return err
		}
		if err := o.check(); err != nil {
			return fmt.Errorf("first calls of /%s: %w", endpoint, err)
		}
	}
	return nil
}

func libraryRoundTrip(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "echo"); err != nil {
		return err
	}
	o, err := p.oneAtATime(ctx, "echo", t.size(30, 200))
	if err != nil {
		return err
	}
	t.saw("%v", &o)
	if err := o.check(); err != nil {
		return err
	}
	if p90 := o.percentile(0.9); p90 > time.Second {
		return failf("p90 %s", millis(p90))
	}
	return nil
}

// quietTime is longer than it takes until collected pairs are gone at bob's.
const quietTime = 20 * time.Second

// halfCycle is longer than the fast path takes, and shorter than most full
// synchronizations.
const halfCycle = 2500 * time.Millisecond

func libraryQuiet(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "echo"); err != nil {
		return err
	}
	if err := sleep(ctx, quietTime); err != nil {
		return err
	}
	o, err := p.oneAtATime(ctx, "echo", t.size(5, 30))
	if err != nil {
		return err
	}
	t.saw("%v", &o)
	if err := o.check(); err != nil {
		return err
	}
	// A full synchronization that starts within 50 ms before a file is sent delivers it
	// instead of the fast path, for one in a hundred files.
	if p60 := o.percentile(0.6); p60 > halfCycle {
		return failf("4 of 10 calls took %s or more", millis(p60))
	}
	return nil
}

func libraryBurst(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "record"); err != nil {
		return err
	}
	var failed error
	for _, count := range []int{40, 100, 300} {
		o, err := p.atOnce(ctx, "record", count, callTimeout)
		if err != nil {
			return err
		}
		t.saw("%d: %v", count, &o)
		if err := o.check(); err != nil && failed == nil {
			failed = err
		}
	}
	again, err := p.ranAgain(nil)
	if err != nil {
		return err
	}
	t.saw("%d requests ran again", again)
	if failed == nil && again > 0 {
		failed = failf("%d requests ran again", again)
	}
	return failed
}

func librarySizes(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "echo"); err != nil {
		return err
	}
	sizes := []sizeOf{{"100 B", 100}, {"1 MB", 1_000_000}, {"2 MB", 2_000_000}, {"2.4 MB", 2_400_000}, {"3.2 MB", 3_200_000}, {"5 MB", 5_000_000}}
	for _, size := range sizes {
		want := body(size.bytes, size.name)
		var r caller.Result
		select {
		case r = <-p.call("echo", want, 2*callTimeout):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if r.Err != nil || r.Status != 200 || !slices.Equal(r.Body, want) {
			return failf("%s: status %d, %d bytes, %v", size.name, r.Status, len(r.Body), r.Err)
		}
		t.saw("%s %s", size.name, seconds(r.Took))
	}
	return nil
}

// checkNoRerun fails if answered requests have run again.
func (p *pair) checkNoRerun(answered map[string]bool) error {
	again, err := p.ranAgain(answered)
	if err != nil {
		return err
	}
	all, err := p.ranAgain(nil)
	if err != nil {
		return err
	}
	p.t.saw("%[2]d of %[1]d answered requests ran again, %[3]d of all", len(answered), again, all)
	if again > 0 {
		return failf("%d answered requests ran again", again)
	}
	return nil
}

// checkOnce waits for late reruns, and fails unless all calls were answered, and those that were answered
// before the server stopped ran once.
func (p *pair) checkOnce(ctx context.Context, o *outcome, answered map[string]bool) error {
	if err := p.t.cycles(ctx, 4); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return p.checkNoRerun(answered)
}

// callsWith makes paced calls of /record, and calls before[n] before call n.
func (p *pair) callsWith(ctx context.Context, count int, pause time.Duration, before map[int]func() error) (outcome, error) {
	var pending []<-chan caller.Result
	for n := range count {
		if do := before[n]; do != nil {
			if err := do(); err != nil {
				return outcome{}, err
			}
		}
		pending = append(pending, p.call("record", []byte("hello"), 2*callTimeout))
		if err := sleep(ctx, pause); err != nil {
			return outcome{}, err
		}
	}
	return collect(ctx, pending)
}

func libraryRestart(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "record"); err != nil {
		return err
	}
	answered := map[string]bool{}
	afterStop := 0
	count := t.size(90, 250)
	o, err := p.callsWith(ctx, count, 100*time.Millisecond, map[int]func() error{
		count / 3: func() error {
			if err := p.server.Stop(stopGrace); err != nil {
				return err
			}
			answered = p.answered()
			return p.startServer(ctx)
		},
		2 * count / 3: func() error {
			if afterStop, err = p.ranAgain(answered); err != nil {
				return err
			}
			p.server.Kill()
			answered = p.answered()
			return p.startServer(ctx)
		},
	})
	if err != nil {
		return err
	}
	t.saw("%v; %d ran again before the kill", &o, afterStop)
	return p.checkOnce(ctx, &o, answered)
}

func libraryWorkers(ctx context.Context, t *trial) error {
	p, err := t.startTeam(ctx, t.config.Server, t.config.Client, 2)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.warmUp(ctx, "record"); err != nil {
		return err
	}
	answered := map[string]bool{}
	count := t.size(90, 250)
	o, err := p.callsWith(ctx, count, 100*time.Millisecond, map[int]func() error{
		count / 4:     func() error { return p.workers[0].Stop(stopGrace) },
		count / 2:     func() error { return p.startWorker(ctx) },
		3 * count / 4: func() error { p.server.Kill(); answered = p.answered(); return nil },
	})
	if err != nil {
		return err
	}
	t.saw("%v", &o)
	return p.checkOnce(ctx, &o, answered)
}

func libraryOutage(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	o, answered, err := p.outage(ctx, t.size(120, 250), time.Duration(t.size(8, 20))*time.Second)
	if err != nil {
		return err
	}
	t.saw("%v", &o)
	if err := t.cycles(ctx, 4); err != nil {
		return err
	}
	again := p.checkNoRerun(answered)
	if err := o.check(); err != nil {
		return err
	}
	return again
}

// outage makes calls while each part fails once. It returns their outcome, and the ids of
// the requests that were answered before the library's server was killed.
func (p *pair) outage(ctx context.Context, count int, down time.Duration) (o outcome, answered map[string]bool, err error) {
	n := p.t.network
	if err := p.warmUp(ctx, "record"); err != nil {
		return o, nil, err
	}
	if err := n.SetViewLatency(viewLatency); err != nil {
		return o, nil, err
	}
	o, err = p.callsWith(ctx, count, 150*time.Millisecond, map[int]func() error{
		count * 2 / 10: func() error { return n.KillClient(Bob) },
		count * 3 / 10: func() error { return n.StartClient(ctx, Bob) },
		count * 5 / 10: func() error {
			if err := n.KillServer(); err != nil {
				return err
			}
			if err := sleep(ctx, down); err != nil {
				return err
			}
			return n.StartServer(ctx)
		},
		count * 8 / 10: func() error {
			p.server.Kill()
			answered = p.answered()
			if err := sleep(ctx, time.Second); err != nil {
				return err
			}
			return p.startServer(ctx)
		},
	})
	return o, answered, err
}

func libraryLitter(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	return p.checkNoLeftovers(ctx, t.size(40, 200), time.Duration(t.size(120, 1800))*time.Second)
}

// checkNoLeftovers makes calls, waits, and fails if files are left.
func (p *pair) checkNoLeftovers(ctx context.Context, count int, wait time.Duration) error {
	if err := p.warmUp(ctx, "record"); err != nil {
		return err
	}
	plain, err := p.callsWith(ctx, count, 150*time.Millisecond, nil)
	if err != nil {
		return err
	}
	if err := p.t.network.SetViewLatency(viewLatency); err != nil {
		return err
	}
	late, err := p.callsWith(ctx, count, 150*time.Millisecond, nil)
	if err != nil {
		return err
	}
	p.t.saw("%d of %d answered", len(plain.took)+len(late.took), 2*count)
	began := time.Now()
	left := map[string][]string{}
	for time.Since(began) < wait {
		if err := p.t.cycles(ctx, 1); err != nil {
			return err
		}
		left = p.t.leftovers()
		// A file may return for some cycles after it is gone on both sides.
		if time.Since(began) > wait/2 && len(left[Alice])+len(left[Bob]) == 0 {
			break
		}
	}
	p.t.saw("files left after %.0f s: %d at alice's, %d at bob's", time.Since(began).Seconds(), len(left[Alice]), len(left[Bob]))
	if len(left[Alice])+len(left[Bob]) > 0 {
		return failf("files left: %d at alice's, %d at bob's", len(left[Alice]), len(left[Bob]))
	}
	return nil
}

func libraryGateway(ctx context.Context, t *trial) error {
	p, err := t.library(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	for range t.size(3, 20) {
		began := time.Now()
		answer, err := t.post(ctx, "sum", []byte(`{"a":2,"b":3}`), 50*time.Second, true)
		if err != nil {
			return err
		}
		var sum struct{ Result float64 }
		m := answer.Data.Message
		if err := json.Unmarshal(m.Body, &sum); err != nil || answer.Status != 200 || m.StatusCode != 200 || sum.Result != 5 {
			return failf("gateway response %d: %s", answer.Status, answer.text)
		}
		t.saw("%s", seconds(time.Since(began)))
	}
	return nil
}
