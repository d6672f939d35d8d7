package syftevent

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
	"github.com/syftevent/syftevent-go/syftevent/internal/watch"
)

// A FileOp is what happened to a watched file.
type FileOp uint8

const (
	// FileCreated means that the handler has not seen the file.
	FileCreated FileOp = FileOp(watch.Created)
	// FileChanged means that the size or the modification time is not the one that the handler
	// has seen.
	FileChanged FileOp = FileOp(watch.Changed)
	// FileRemoved means that a file that the handler has seen no longer exists. A file that
	// was renamed is removed under its old name and created under its new one.
	FileRemoved FileOp = FileOp(watch.Removed)
)

// String returns "created", "changed" or "removed".
func (op FileOp) String() string {
	switch op {
	case FileCreated:
		return "created"
	case FileChanged:
		return "changed"
	case FileRemoved:
		return "removed"
	}
	return fmt.Sprintf("FileOp(%d)", uint8(op))
}

// A FileEvent is a file that was created, changed or removed; see [Server.Watch].
type FileEvent struct {
	Op FileOp
	// Path is the path relative to the folder "datasites", with slashes, such as
	// "alice@example.com/public/report.csv".
	Path string
	// Size and ModTime are those of the file, in bytes and by the clock of its file system. They
	// are zero if the file was removed. ModTime usually is when SyftBox wrote the file here.
	Size    int64
	ModTime time.Time
	// Attempt is 1 for the first call of the handler with this version of the file since the
	// server's start, 2 for the first retry, and so on.
	Attempt int

	open func() (*os.File, error)
}

// Datasite returns the first segment of Path: the address of the person whose datasite has
// the file.
func (e *FileEvent) Datasite() string {
	site, _, _ := strings.Cut(e.Path, "/")
	return site
}

// Open opens the file for reading. It follows no symbolic link. It returns an error that
// wraps [ErrFileChanged] if the file was changed or removed since the event, and
// [fs.ErrNotExist] if the event says that it was removed.
//
// A file may be written to while the handler reads it, and its owner chooses what it
// contains and how large it is: read at most as much as the app needs. A FileEvent that a server
// did not make has no file.
func (e *FileEvent) Open() (*os.File, error) {
	if e.open == nil {
		return nil, &fs.PathError{Op: "open", Path: e.Path, Err: fs.ErrNotExist}
	}
	return e.open()
}

// ErrFileChanged means that a file is not the version of its [FileEvent] any more. A handler
// returns the error: another event follows.
var ErrFileChanged = watch.ErrChanged

// A WatchHandler handles events of files; see [Server.Watch]. The context is canceled when the
// server stops and [Server.DrainTimeout] is over. [Server.HandlerTimeout] does not apply.
type WatchHandler func(ctx context.Context, event *FileEvent) error

// A registeredWatch is a call of Watch.
type registeredWatch struct {
	pattern string
	handler WatchHandler
}

// Watch calls a handler when files of datasites that match a pattern are created, changed
// or removed. It must be called before [Server.Start]. Watch panics if the pattern is invalid or
// was given before, if the handler is nil, and if the server has started.
//
// # Patterns
//
// A pattern is a path relative to the folder "datasites":
//
//	{datasite}/**/*.json          all JSON files of the server's own datasite
//	*/public/*.csv                CSV files in the folder "public" of every datasite
//	alice@example.com/**          all files of a datasite
//	{app_data}/inbox/*            files in a folder of the app
//	*.json                        the same as **/*.json: in any folder of any datasite
//
// "*" matches any characters except slashes, "?" one character, and "[0-9]" and "[!0-9]" one
// character of a class; "**" as a segment matches any number of segments. A final slash
// means "/**". A pattern without a slash matches the names of files in any folder; all others
// match whole paths and begin with an address, a wildcard or a placeholder. The placeholders
// are {datasite} and {email}, the server's own address, and {app_data}, also written
// {api_data}, the app's folder in its datasite. A backslash makes the next character an
// ordinary one, as does doubling a brace. Matching is case-sensitive.
//
// A file that matches several patterns is reported to each of their handlers.
//
// # Events
//
// The server scans for files and compares what it finds with what the handler has seen. So
// several changes between two scans are one event, a file that was created and removed
// in between has none, and one that was removed and created again has changed, unless its size
// and modification time are the same. There is no event for a new mode or owner.
//
// An event is reported when the file has been unchanged, or missing, for [Server.SettleTime].
// With the defaults, a new file or one that SyftBox replaces is usually reported after 2 to 3 s,
// and one that is written in place a few seconds later if there are thousands. A file that
// changes all the time is not reported until it pauses.
//
// Each event is reported at least once: until the handler returns nil. After an error or a
// panic, which are logged, the handler is called again after 1 s, then 2 s, and so on up to
// 5 min; if the file has changed by then, with what is there now. To give up on a file, return
// nil. A handler that ends the process gets the event again after each start. Calls for one file
// with one handler happen in order and never at the same time. Different files are independent and
// in no order. A quarter of [Server.Concurrency] handlers run at once, at least one; files of one
// datasite take at most half of that.
//
// A file in the app's folder, .syftevent-watch.tmp, holds what each handler has seen, by
// pattern. After a restart, handlers get what happened meanwhile. It is written once a
// second at most, or every 12 s for 12 MB: what handlers have seen since may be reported again
// after a crash. If the file is missing, at the first start for example, all files count as
// created. The same holds, after a log line, if it is corrupt. Files that are removed
// meanwhile are then not reported.
//
// # What is not watched
//
// Files directly in "datasites", and folders there whose names are not e-mail addresses.
// Symbolic links and everything else that is not a regular file; the server follows no
// symbolic link. Names that SyftBox's default ignore list contains, such as *.tmp, *.log, .git,
// .syftkeep and *.conflict.*; hence also the server's own temporary files. Names with control
// characters, backslashes or invalid UTF-8. Paths of more than 1,024 bytes, and folders more
// than 32 levels deep. Other hidden files are watched, and so are requests and responses if a
// pattern matches them.
//
// A server watches at most 100,000 files, of which 50,000 may be in its own datasite and
// 20,000 in any other, and scans at most as many folders. It logs when there are more and
// counts them in [WatchStats.Left]; it watches them when others are removed.
//
// # Cost
//
// Scans take at most the share [Server.IdleShare] of a core, in addition to those for requests.
// They skip folders that no pattern can match and do not list folders whose modification times
// have not changed, but read the size and the modification time of each watched file. A datasite
// that costs much is scanned less often, and does not delay others. With 10,000 files and the
// defaults, each file is checked every 4 to 11 s. On network file systems, scans list every
// folder and take up to a tenth of the time. [Stats.Watch] reports how long they take.
//
// While the app's folder is missing, for example because a share is not mounted, files do not
// count as removed. The same holds for files in a folder that cannot be read.
func (s *Server) Watch(pattern string, handler WatchHandler) {
	site := caller()
	if _, err := watch.ParsePattern(pattern, "user@example.com", "app"); err != nil {
		panic(fmt.Sprintf("syftevent: %v (watched at %s)", err, site))
	}
	if handler == nil {
		panic(fmt.Sprintf("syftevent: handler for watch pattern %q is nil (watched at %s)", pattern, site))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		panic(fmt.Sprintf("syftevent: watch pattern %q: the server has started (watched at %s)", pattern, site))
	}
	for _, registered := range s.watches {
		if registered.pattern == pattern {
			panic(fmt.Sprintf("syftevent: watch pattern %q was given before (watched at %s)", pattern, site))
		}
	}
	s.watches = append(s.watches, registeredWatch{pattern, handler})
}

// WatchStats are the figures of [Server.Watch] since the server's start.
type WatchStats struct {
	// Files is the number of files that are watched, Left the number of names that were found
	// beyond a limit, and Unreadable the number of folders that the last scan could not read.
	Files, Left, Unreadable int
	// Events is the number of calls of handlers that returned nil, and Failed the number of
	// those that returned an error or panicked.
	Events, Failed int
	// InFlight is the number of handlers that run, and Queued the number of events that wait.
	InFlight, Queued int
	// LastScan is when the last scan of a datasite began. ScanDuration is how long it takes to
	// check every file once, and ScanWait the time between two such checks of the datasite
	// where it is longest. New files are usually found sooner.
	LastScan     time.Time
	ScanDuration time.Duration
	ScanWait     time.Duration
	// TrustedMtimes reports whether a scan may skip folders whose modification time has
	// not changed.
	TrustedMtimes bool
}

func watchStats(f watch.Figures) WatchStats {
	return WatchStats{
		Files: f.Files, Left: f.Left, Unreadable: f.Unreadable, Events: f.Events, Failed: f.Failed,
		InFlight: f.InFlight, Queued: f.Queued,
		LastScan: f.LastScan, ScanDuration: f.ScanDuration, ScanWait: f.ScanWait, TrustedMtimes: f.Trusted,
	}
}

// watchShare is the ratio of Server.Concurrency to the number of watch handlers that run at once.
const watchShare = 4

// addWatcher adds a Watcher to the options if Watch was called.
func (s *Server) addWatcher(options *engine.Options, client *Client) error {
	if len(s.watches) == 0 {
		return nil
	}
	datasites := client.DatasitesDir()
	app, err := filepath.Rel(datasites, client.AppData(s.AppName))
	if err != nil {
		return fmt.Errorf("syftevent: start app %q: %w", s.AppName, err)
	}
	watchOptions := watch.Options{
		Dir: datasites, Own: client.Email, App: filepath.ToSlash(app),
		PollInterval: options.PollInterval, IdleShare: options.IdleShare,
		Settle: options.Settle, SettleRemote: options.SettleRemote,
		Concurrency: max(1, options.Concurrency/watchShare), Limits: watch.DefaultLimits, Logger: slog.New(options.Log),
	}
	for _, registered := range s.watches {
		pattern, err := watch.ParsePattern(registered.pattern, client.Email, s.AppName)
		if err != nil {
			return fmt.Errorf("syftevent: start app %q: %w", s.AppName, err)
		}
		watchOptions.Watches = append(watchOptions.Watches, watch.Watch{
			Pattern: pattern,
			Handle: func(ctx context.Context, event *watch.Event) error {
				return registered.handler(ctx, &FileEvent{
					Op: FileOp(event.Op), Path: event.Path, Size: event.Size, ModTime: event.ModTime, Attempt: event.Attempt, open: event.Open,
				})
			},
		})
	}
	options.Watcher = watch.New(watchOptions)
	return nil
}
