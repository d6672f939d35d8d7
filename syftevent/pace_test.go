package syftevent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

func TestPaceSlowsDownAfterActivity(t *testing.T) {
	p := pace{poll: 100 * ms}
	pauses := map[time.Duration]int{}
	var long []time.Duration
	for range 80 {
		pause := p.next(glance{took: 10 * time.Microsecond})
		pauses[pause]++
		if pause > middlePause {
			long = append(long, pause)
		}
		p.quiet += p.pause
	}
	if pauses[shortPause] != 25 || pauses[middlePause] != 45 {
		t.Errorf("%d short and %d middle pauses, want 25 and 45: 5 ms, and to 50 ms", pauses[shortPause], pauses[middlePause])
	}
	want := []time.Duration{2 * ms, 4 * ms, 8 * ms, 16 * ms, 32 * ms, 64 * ms, 100 * ms, 100 * ms, 100 * ms, 100 * ms}
	if diff := cmp.Diff(want, long); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
}

func TestPaceAfterCostlyLooks(t *testing.T) {
	p := pace{poll: 100 * ms}
	for _, test := range []struct {
		g    glance
		want time.Duration
	}{
		{glance{took: ms}, 2 * ms},
		{glance{took: ms, found: true}, shortPause},
		{glance{took: ms, found: true, backlog: true}, 10 * ms},
	} {
		if got := p.next(test.g); got != test.want {
			t.Errorf("%+v: %v, want %v", test.g, got, test.want)
		}
	}
	for _, test := range []struct {
		took   time.Duration
		listed int
		local  bool
		want   time.Duration
	}{
		{100 * time.Microsecond, 0, true, 100 * ms},
		{2 * ms, 0, true, 400 * ms},
		{3 * ms, 5, true, 400 * ms}, // the listing is not what idle looks cost
		{40 * ms, 5, true, 800 * ms},
		{40 * ms, 0, true, 2 * time.Second},
		{40 * ms, 40, false, 400 * ms},
		{time.Minute, 40, false, 30 * time.Second},
	} {
		if got := p.lookedAtAll(time.Now(), test.took, test.listed, test.local); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestPaceWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := pace{poll: 100 * ms, nextAll: began.Add(time.Second), quiet: time.Second}
		activity, hungry, stopping := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
		sleep := func(g glance) time.Duration {
			began := time.Now()
			p.sleep(g, activity, hungry, stopping)
			return time.Since(began)
		}
		go func() { time.Sleep(300 * ms); activity <- struct{}{} }()
		if slept := sleep(glance{}); slept != 300*ms || p.quiet != 0 {
			t.Errorf("slept %v until there was activity, quiet for %v", slept, p.quiet)
		}
		// While there is enough to do, activity does not wake it, the end of that does.
		activity <- struct{}{}
		go func() { time.Sleep(50 * ms); activity <- struct{}{}; hungry <- struct{}{} }()
		if slept := sleep(glance{took: 20 * ms, backlog: true, active: true}); slept != 50*ms {
			t.Errorf("slept %v with a backlog", slept)
		}
		<-activity
		if slept := sleep(glance{}); time.Since(began) != time.Second {
			t.Errorf("slept %v, not until the next look at all", slept)
		}
		p.nextAll = time.Now().Add(time.Hour)
		go func() { time.Sleep(ms); close(stopping) }()
		if slept := sleep(glance{}); slept != ms {
			t.Errorf("slept %v though it was to stop", slept)
		}
	})
}
