package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

const ms = time.Millisecond

func TestPauseIsAShareOfTheTimeSinceActivity(t *testing.T) {
	p := pace{poll: 100 * ms}
	for scans := 0; p.quiet < 10*time.Second; scans++ {
		before := p.quiet
		pause := p.next(scanResult{took: 10 * time.Microsecond})
		if want := min(max(before/64, shortPause), 100*ms); pause != want {
			t.Fatalf("pause %v after %v without activity, want %v", pause, before, want)
		}
		if scans > 600 {
			t.Fatalf("%d scans within %v", scans, p.quiet)
		}
		p.quiet += p.pause
	}
}

func TestPaceScansRecentDirectoriesAtABoundedCost(t *testing.T) {
	p := pace{poll: 100 * ms}
	p.lastActive = time.Now()
	for _, test := range []struct{ took, silence, want time.Duration }{
		{took: 5 * time.Microsecond, want: 4 * ms},
		{took: 20 * ms, want: 20 * ms},
		{took: 2 * ms, silence: 10 * time.Second, want: 78 * ms},
		{took: 2 * ms, silence: time.Hour, want: 398 * ms},
		{took: 5 * time.Microsecond, silence: 8 * time.Second, want: 4 * ms},
		{took: 5 * time.Microsecond, silence: 64 * time.Second, want: 31250 * time.Microsecond},
		{took: 5 * time.Microsecond, silence: time.Hour, want: 100 * ms},
	} {
		now := p.lastActive.Add(test.silence)
		p.scannedRecent(now, test.took)
		if got := p.nextRecent.Sub(now); got != test.want {
			t.Errorf("%+v: the next scan waits %v", test, got)
		}
	}
}

func TestPaceAfterCostlyScans(t *testing.T) {
	p := pace{poll: 100 * ms, idleShare: 0.01}
	for _, test := range []struct {
		g    scanResult
		want time.Duration
	}{
		{scanResult{took: ms}, 2 * ms},
		{scanResult{took: ms, found: true}, shortPause},
		{scanResult{took: ms, found: true, backlog: true}, 10 * ms},
		{scanResult{took: ms, remote: true}, 4 * ms},
		{scanResult{took: ms, remote: true, found: true}, ms},
		{scanResult{took: ms, remote: true, found: true, backlog: true}, 10 * ms},
	} {
		if got := p.next(test.g); got != test.want {
			t.Errorf("%+v: %v, want %v", test.g, got, test.want)
		}
	}
	for _, test := range []struct {
		took time.Duration
		did  spool.ScanResult
		want time.Duration
	}{
		{took: 100 * time.Microsecond, want: 100 * ms},
		{took: 7 * ms, want: 868 * ms},
		// Listings are not what idle scans cost.
		{took: 7 * ms, did: spool.ScanResult{Listing: 5 * ms, Taken: 1}, want: 248 * ms},
		{took: 27 * ms, did: spool.ScanResult{Listing: 25 * ms, Taken: 1}, want: 248 * ms},
		{took: 102 * ms, did: spool.ScanResult{Listing: 100 * ms, Taken: 1}, want: 400 * ms},
		{took: 27 * ms, did: spool.ScanResult{Listing: 25 * ms}, want: 500 * ms},
		{took: 27 * ms, did: spool.ScanResult{Listing: 25 * ms, Costly: 24 * ms}, want: 248 * ms},
		{took: time.Second, did: spool.ScanResult{Listing: 900 * ms, Full: true}, want: 248 * ms},
		// Full scans are a part of the share.
		{took: 7 * ms, did: spool.ScanResult{FullShare: 0.005}, want: 1393 * ms},
		{took: 7 * ms, did: spool.ScanResult{FullShare: 0.02}, want: 2793 * ms},
		{took: 700 * ms, want: 86800 * ms},
	} {
		now := time.Now()
		test.did.Done = true
		if !p.scannedSlice(now, test.took, test.took, test.did, true) {
			t.Errorf("%+v: not complete", test)
		}
		if got := p.scannedAll(now, true, false).Round(ms); got != test.want || p.nextAll.Sub(now).Round(ms) != got {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// On a busy machine other programs run during a scan.
func TestPaceCountsProcessorTime(t *testing.T) {
	for _, test := range []struct {
		took, ran time.Duration
		did       spool.ScanResult
		want      time.Duration
	}{
		{took: 70 * ms, ran: 14 * ms, want: 1736 * ms},
		{took: 70 * ms, ran: 100 * time.Microsecond, want: 868 * ms},
		{took: 70 * ms, ran: 300 * ms, want: 8680 * ms},
		{took: 107 * ms, ran: 21400 * time.Microsecond, did: spool.ScanResult{Listing: 100 * ms}, want: 400 * ms},
	} {
		p := pace{poll: 100 * ms, idleShare: 0.01}
		now := time.Now()
		test.did.Done = true
		p.scannedSlice(now, test.took, test.ran, test.did, true)
		if got := p.scannedAll(now, true, false).Round(ms); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestPaceOnNetworkFileSystems(t *testing.T) {
	p := pace{poll: 100 * ms, idleShare: 0.01}
	for _, test := range []struct {
		took  time.Duration
		taken int
		busy  bool
		full  bool
		want  time.Duration
	}{
		{took: ms, want: 100 * ms},
		{took: 40 * ms, want: 200 * ms},
		// A burst makes scans slow, and not those after it rare.
		{took: 3 * time.Second, taken: 100, busy: true, want: 100 * ms},
		{took: 3 * time.Second, busy: true, want: 242 * ms},
		{took: 41 * ms, want: 205 * ms},
		// A full scan also touches each directory.
		{took: 82 * ms, full: true, want: 226 * ms},
		{took: 300 * ms, taken: 1, want: 600 * ms},
		{took: time.Minute, want: 30 * time.Second},
	} {
		now := time.Now()
		did := spool.ScanResult{Listing: test.took, Taken: test.taken, Full: test.full, Done: true}
		if p.scannedSlice(now, test.took, test.took, did, false); !p.nextAll.Equal(now.Add(test.took)) {
			t.Error("the next slice waits")
		}
		if got := p.scannedAll(now, false, test.busy).Round(ms); got != test.want {
			t.Errorf("%+v: waits %v", test, got)
		}
	}
}

// A scan of all directories in slices is as costly as one in a piece, and the slices are
// apart.
func TestPaceAddsUpSlices(t *testing.T) {
	p := pace{poll: 100 * ms, idleShare: 0.01}
	for range 2 {
		now := time.Now()
		for n := range 5 {
			last := n == 4
			if p.scannedSlice(now, 2*ms, 2*ms, spool.ScanResult{Directories: 1000, Done: last}, true) != last {
				t.Fatalf("slice %d", n)
			}
			if next := p.nextAll.Sub(now); next != 4*ms {
				t.Errorf("the next slice begins %v after the last one", next)
			}
			now = now.Add(4 * ms)
		}
		if wait := p.scannedAll(now, true, false); wait.Round(ms) != 1240*ms || p.took != 10*ms || p.round.Directories != 5000 {
			t.Errorf("%v after %v for %d directories", wait, p.took, p.round.Directories)
		}
	}
}

func TestPaceWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := pace{poll: 100 * ms, nextAll: began.Add(time.Second), quiet: time.Second}
		activity, backlogDone, stopping := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
		sleep := func(g scanResult) time.Duration {
			began := time.Now()
			p.sleep(g, activity, backlogDone, stopping)
			return time.Since(began)
		}
		go func() { time.Sleep(300 * ms); activity <- struct{}{} }()
		if slept := sleep(scanResult{}); slept != 300*ms || p.quiet != 0 {
			t.Errorf("slept %v until there was activity, quiet for %v", slept, p.quiet)
		}
		// While there is enough to do, activity does not wake it, the end of that does.
		activity <- struct{}{}
		go func() { time.Sleep(50 * ms); activity <- struct{}{}; backlogDone <- struct{}{} }()
		if slept := sleep(scanResult{took: 20 * ms, backlog: true, active: true}); slept != 50*ms {
			t.Errorf("slept %v with a backlog", slept)
		}
		<-activity
		if slept := sleep(scanResult{}); time.Since(began) != time.Second {
			t.Errorf("slept %v, not until the next scan of all", slept)
		}
		p.nextAll, p.nextRecent = time.Now().Add(time.Hour), time.Now().Add(4*ms)
		if slept := sleep(scanResult{recent: true}); slept != 4*ms {
			t.Errorf("slept %v, not until the next scan of recent directories", slept)
		}
		now := time.Now()
		if slept := sleep(scanResult{active: true, took: ms}); slept != 2*ms || !p.lastActive.Equal(now) {
			t.Errorf("slept %v until the next scan of active directories, last active %v", slept, p.lastActive)
		}
		go func() { time.Sleep(ms); close(stopping) }()
		if slept := sleep(scanResult{}); slept != ms {
			t.Errorf("slept %v though it was to stop", slept)
		}
	})
}
