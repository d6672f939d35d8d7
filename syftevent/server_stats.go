package syftevent

import "time"

// Stats are the figures of a server since its start.
type Stats struct {
	// Answered is the number of published responses; a republished one counts again.
	Answered int
	// Failed is the number of requests whose handler panicked, exceeded
	// [Server.HandlerTimeout], ended its goroutine, or returned a nil response, an invalid
	// status, or an error that neither is nor wraps an [*Error]. It includes requests that were
	// not handled again because three processes ended while they handled them.
	Failed int
	// Refused is the number of requests that the server refused; see [Server.OnRefuse].
	Refused int
	// Orphans is the number of files that were removed because their request no
	// longer existed.
	Orphans int
	// InFlight is the number of requests in flight, InReserve the number of those beyond
	// [Server.Concurrency], and Queued the number of requests that wait to start.
	InFlight, Queued, InReserve int
	// BytesLimit is the memory budget for large requests, in bytes, and BytesHeld the part in
	// use; see [Server.MaxRequestSize].
	BytesHeld, BytesLimit int64
	// Unpublished is the number of responses that were not published: they could not be
	// written, or their request is gone. They are kept in memory while there is room, for up to
	// 10 minutes after the request was last seen.
	Unpublished int
	// Scans is the number of complete scans of all folders. LastScan is when the last one
	// began, ScanDuration how long it took, without its pauses, and ScanWait the time until the
	// next one. In between, the server scans recently active folders.
	Scans        int
	LastScan     time.Time
	ScanDuration time.Duration
	ScanWait     time.Duration
	// Folders is the number of folders that the server tracks: at most 131,072, with at most
	// 2,048 of one sender and at most half outside of senders' folders. FoldersLeft is the
	// number of folders beyond these limits; they are scanned in turn.
	Folders, FoldersLeft int
	// DirHandles is the number of directories that may be kept open: a quarter of the
	// process's limit of descriptors and 256 at most, fewer if descriptors run out.
	DirHandles int
	// Incomplete is the number of requests whose file is not complete yet. Unreadable is
	// the number of files and folders that the last scan could not read; the log names
	// them.
	Incomplete, Unreadable int
	// TrustedMtimes reports whether a scan may skip folders whose modification time has
	// not changed, which depends on the file system.
	TrustedMtimes bool
	// Workers has the figures of shared work.
	Workers WorkerStats
	// Cleanup is the total of all cleanups.
	Cleanup CleanupStats
	// Watch has the figures of watched files.
	Watch WatchStats
}

// Stats returns the figures of the server. They are zero before it is ready.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	running, cleaner, watcher := s.running, s.cleaner, s.watcher
	s.mu.Unlock()
	if running == nil {
		return Stats{}
	}
	f := running.Figures()
	stats := Stats{
		Answered: f.Answered, Failed: f.Failed, Refused: f.Refused, Orphans: f.Orphans,
		InFlight: f.InFlight, Queued: f.Queued, InReserve: f.InReserve,
		BytesHeld: f.BytesHeld, BytesLimit: f.BytesLimit,
		Unpublished: f.Unpublished,
		Scans:       f.Scans, LastScan: f.LastScan, ScanDuration: f.ScanDuration, ScanWait: f.ScanWait,
		Folders: f.Folders, FoldersLeft: f.FoldersLeft, DirHandles: f.DirHandles,
		Incomplete: f.Incomplete, Unreadable: f.Unreadable,
		TrustedMtimes: f.TrustedMtimes,
		Workers:       WorkerStats(f.Workers),
	}
	if cleaner != nil {
		stats.Cleanup = cleaner.Stats()
	}
	if watcher != nil {
		stats.Watch = watchStats(watcher.Figures())
	}
	return stats
}
