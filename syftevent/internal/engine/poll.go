package engine

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// poll scans for requests until the server is stopped: all directories in slices, and
// the active ones in between.
func (s *Server) poll() {
	pace := pace{poll: s.options.PollInterval, idleShare: s.options.IdleShare}
	for !s.stopped() {
		s.refreshLayout()
		began := time.Now()
		all := !began.Before(pace.nextAll)
		recent := !all && !began.Before(pace.nextRecent)
		scan := s.spool.ScanActive
		switch {
		case all:
			scan = s.spool.Scan
		case recent:
			scan = s.spool.ScanRecent
		}
		did, ran := s.timed(scan, all || recent)
		took := did.Took
		trusted := s.spool.Trusted()
		complete := all && pace.scannedSlice(began, took, ran, did, trusted)
		s.replies.expire(began)
		if began.Sub(s.flushed) >= loglimit.Period {
			s.flushed = began
			s.options.Log.Flush(began, false)
		}
		switch {
		case complete:
			now := time.Now()
			wait := pace.scannedAll(now, trusted, s.dispatcher.busy())
			s.scanWait = wait + now.Sub(pace.began)
			s.counters.scanned(pace.began, pace.took, wait)
			s.traceScan(all, pace.round, pace.took)
		case recent:
			pace.scannedRecent(time.Now(), scaled(took-did.Costly, ranPart(took, ran)))
		}
		if !all {
			s.traceScan(all, did, took)
		}
		if all && !complete && s.spool.Active() {
			// Active directories are scanned after each slice, however long the scan
			// of all directories takes.
			active := s.spool.ScanActive(s.admit)
			took = active.Took
			did.Taken += active.Taken
			did.Orphans += active.Orphans
			did.Costly = active.Costly
			did.Changed = did.Changed || active.Changed
		}
		if did.Changed {
			pace.quiet = 0
		}
		if did.Orphans > 0 {
			s.counters.add(func(f *Figures) { f.Orphans += did.Orphans })
		}
		pace.sleep(scanResult{
			took: took, costly: did.Costly, found: did.Taken > 0, remote: !trusted, backlog: s.dispatcher.backlog(),
			active: s.spool.Active(), recent: s.spool.Recent(),
		}, s.activity, s.dispatcher.backlogDone, s.stopping)
	}
}

// timed scans, and returns the processor time of the scan if exact and if the system knows it, or its
// duration.
func (s *Server) timed(scan func(func(spool.Entry) spool.Verdict) spool.ScanResult, exact bool) (did spool.ScanResult, ran time.Duration) {
	var before time.Duration
	if exact {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before = threadTime()
	}
	did = scan(s.admit)
	if before == 0 {
		return did, did.Took
	}
	return did, threadTime() - before
}

func (s *Server) traceScan(all bool, did spool.ScanResult, took time.Duration) {
	if s.options.Trace && (all || did.Listed > 0) {
		slog.New(s.options.Log.Unlimited()).Info("syftevent: scanned", "all", all, "full", did.Full,
			"folders", did.Directories, "listed", did.Listed, "taken", did.Taken, "took", took)
	}
}

// signalActivity makes the next scan happen soon: a request arrived, or a response was
// published, whose reader may send the next request at once.
func (s *Server) signalActivity() {
	select {
	case s.activity <- struct{}{}:
	default:
	}
}
