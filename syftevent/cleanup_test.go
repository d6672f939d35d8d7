package syftevent_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A yard is an app's folder for cleanups. A bubble's clock starts in the year 2000, unlike the
// file system's: an age must not be computed from both.
type yard struct {
	t       *testing.T
	dir     string
	cleanup *syftevent.PeriodicCleanup
}

func inYard(t *testing.T, test func(y *yard)) {
	t.Helper()
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		test(&yard{t: t, dir: filepath.Join(replica.Datasite(), filepath.FromSlash(rpcPath)), cleanup: &syftevent.PeriodicCleanup{
			AppName: appName,
			Client:  &syftevent.Client{Email: serverEmail, DataDir: replica.DataDir()},
			Expiry:  10 * 24 * time.Hour,
			Logger:  slog.New(slog.DiscardHandler),
		}})
	})
}

// put writes a file with a time some days ago.
func (y *yard) put(name string, data []byte, days int) {
	y.t.Helper()
	path := filepath.Join(y.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		y.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		y.t.Fatal(err)
	}
	// The file system's own time, which is not the bubble's.
	info, err := os.Stat(path)
	if err != nil {
		y.t.Fatal(err)
	}
	then := info.ModTime().AddDate(0, 0, -days)
	if err := os.Chtimes(path, then, then); err != nil {
		y.t.Fatal(err)
	}
}

// created returns an envelope created some days ago that expires a day later.
func created(days int) []byte {
	then := time.Now().AddDate(0, 0, -days).UTC()
	return envelope("/echo", map[string]any{"created": then, "expires": then.AddDate(0, 0, 1)})
}

func (y *yard) files() []string {
	y.t.Helper()
	files := []string{}
	filepath.WalkDir(y.dir, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(y.dir, name)
		if err == nil && rel != "." {
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	return files
}

func TestCleanupRemovesOldFiles(t *testing.T) {
	inYard(t, func(y *yard) {
		live := envelope("/echo", map[string]any{"created": time.Now().AddDate(0, 0, -20).UTC(), "expires": time.Now().AddDate(0, 0, 1).UTC()})
		ahead := envelope("/echo", map[string]any{"created": time.Now().AddDate(1, 0, 0).UTC(), "expires": time.Now().AddDate(0, 0, -1).UTC()})
		undated := envelope("/echo", nil)
		response := []byte(`{"sender":"x","url":"y","created":"1999-01-01T00:00:00Z"}`)
		gone := map[string][]byte{
			"answered.request": created(20), "answered.response": response, // a pair
			"expired.request":  created(20),  // nobody waits for an answer
			"orphan.response":  response,     // a response alone
			"corrupt.request":  []byte("{]"), // no envelope, told by the file's time
			"bad.request":      []byte("{]"),
			"bad.response":     []byte("{]"),
			"empty.response":   nil,
			"ahead.request":    ahead,   // a date in the future says nothing
			"undated.request":  undated, // no date at all
			"a.request.tmp.12": nil, "b.syft.tmp.3": nil, "c.tmp": nil,
			"d.rejected.request": undated, "e.conflict.request": undated, "f.syftrejected.request": undated,
		}
		// Without an expiry it expires in a day.
		y.put("echo/"+clientEmail+"/endless.request", envelope("/echo", map[string]any{"created": "1990-01-01T00:00:00Z"}), 0)
		kept := map[string][]byte{
			"young.request": created(5), "young.response": response,
			"live.request":  live,
			"blank.request": live, "blank.response": nil, // an empty response is none
			"notes.txt": nil, ".syftkeep": nil, "data.json": nil,
		}
		for name, data := range gone {
			y.put("echo/"+clientEmail+"/"+name, data, 20)
		}
		for name, data := range kept {
			y.put("echo/"+clientEmail+"/"+name, data, 20)
		}
		// A file that was just written is kept, however old its envelope is.
		y.put("echo/"+clientEmail+"/fresh.request", created(20), 20)
		y.put("echo/"+clientEmail+"/fresh.response", response, 0)
		y.put("echo/"+clientEmail+"/new-orphan.response", response, 0)
		y.put("echo/"+clientEmail+"/new.request.tmp.1", nil, 0)
		y.put("echo/"+clientEmail+"/new-corrupt.request", []byte("{]"), 0)
		// Old empty folders are removed.
		for _, name := range []string{"echo/old@example.com", "echo/new@example.com", "echo/deep/folder"} {
			if err := os.MkdirAll(filepath.Join(y.dir, name), 0o755); err != nil {
				y.t.Fatal(err)
			}
		}
		// So are those that hold only a .syftkeep.
		for _, name := range []string{"quiet@example.com/.syftkeep", "active@example.com/.syftkeep", "busy@example.com/.syftkeep", "busy@example.com/notes.txt"} {
			y.put("echo/"+name, nil, 20)
		}
		long := time.Now().AddDate(-1, 0, 0)
		for _, name := range []string{"echo/old@example.com", "echo/quiet@example.com", "echo/busy@example.com", "echo/deep/folder"} {
			os.Chtimes(filepath.Join(y.dir, name), long, long)
		}

		var reported syftevent.CleanupStats
		y.cleanup.OnComplete = func(s syftevent.CleanupStats) { reported = s }
		stats, err := y.cleanup.CleanupNow(context.Background())
		if err != nil {
			y.t.Fatal(err)
		}
		mine := "echo/" + clientEmail
		want := []string{"echo", "echo/active@example.com", "echo/active@example.com/.syftkeep", mine, mine + "/.syftkeep", mine + "/blank.request", mine + "/blank.response", mine + "/data.json", mine + "/endless.request", mine + "/fresh.request", mine + "/fresh.response",
			mine + "/live.request", mine + "/new-corrupt.request", mine + "/new-orphan.response", mine + "/new.request.tmp.1",
			mine + "/notes.txt", mine + "/young.request", mine + "/young.response",
			"echo/busy@example.com", "echo/busy@example.com/.syftkeep", "echo/busy@example.com/notes.txt", "echo/deep", "echo/new@example.com"}
		if diff := cmp.Diff(want, y.files()); diff != "" {
			y.t.Errorf("files (-want +got):\n%s", diff)
		}
		figures := syftevent.CleanupStats{RequestsDeleted: 6, ResponsesDeleted: 4, LastCleanup: time.Now()}
		if diff := cmp.Diff(figures, stats); diff != "" {
			y.t.Errorf("figures (-want +got):\n%s", diff)
		}
		if reported != stats || y.cleanup.Stats() != stats {
			y.t.Errorf("reported %v, totals %v, run %v", reported, y.cleanup.Stats(), stats)
		}
	})
}

func TestCleanupTotalsGrowAndAreReset(t *testing.T) {
	inYard(t, func(y *yard) {
		for i := range 3 {
			y.put("echo/"+clientEmail+"/old.request", created(20), 20)
			y.cleanup.CleanupNow(context.Background())
			if n := y.cleanup.Stats().RequestsDeleted; n != i+1 {
				y.t.Errorf("%d requests deleted in all, want %d", n, i+1)
			}
		}
		y.cleanup.ResetStats()
		if got := y.cleanup.Stats(); got != (syftevent.CleanupStats{}) || !strings.Contains(got.String(), "last cleanup never") {
			y.t.Errorf("after a reset: %v", got)
		}
	})
}

func TestCleanupUsesMtimeOfHugeRequest(t *testing.T) {
	inYard(t, func(y *yard) {
		// The file is too large to be read, so its mtime determines its age.
		y.put("echo/"+clientEmail+"/a.request", nil, 20)
		huge := filepath.Join(y.dir, "echo", clientEmail, "a.request")
		info, err := os.Stat(huge)
		if err != nil {
			y.t.Fatal(err)
		}
		if err := os.Truncate(huge, 1<<40); err != nil {
			y.t.Skip("no sparse files here:", err)
		}
		os.Chtimes(huge, info.ModTime(), info.ModTime())
		stats, err := y.cleanup.CleanupNow(context.Background())
		if err != nil || stats.Errors != 0 || stats.RequestsDeleted != 1 {
			y.t.Errorf("%v, %v", stats, err)
		}
	})
}

// A callback may stop the cleanup, and run it again.
func TestCleanupCallbackMayStopAndRunCleanup(t *testing.T) {
	inYard(t, func(y *yard) {
		var calls atomic.Int32
		y.cleanup.OnComplete = func(syftevent.CleanupStats) {
			if calls.Add(1) == 1 {
				y.cleanup.CleanupNow(context.Background())
				y.cleanup.Stop()
				panic("in the callback")
			}
		}
		if err := y.cleanup.Start(context.Background()); err != nil {
			y.t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		if n := calls.Load(); n != 2 || y.cleanup.Running() {
			y.t.Errorf("%d calls, running %v", n, y.cleanup.Running())
		}
	})
}

func TestCleanupRunsRegularly(t *testing.T) {
	inYard(t, func(y *yard) {
		y.cleanup.Interval = time.Hour
		y.put("echo/"+clientEmail+"/1.request", created(20), 20)
		if err := y.cleanup.Start(context.Background()); err != nil {
			y.t.Fatal(err)
		}
		if err := y.cleanup.Start(context.Background()); !errors.Is(err, syftevent.ErrCleanupStarted) {
			y.t.Errorf("second start: %v", err)
		}
		time.Sleep(time.Minute)
		first := y.cleanup.Stats()
		y.put("echo/"+clientEmail+"/2.request", created(20), 20)
		time.Sleep(time.Hour)
		second := y.cleanup.Stats()
		if first.RequestsDeleted != 1 || second.RequestsDeleted != 2 || !y.cleanup.Running() {
			y.t.Errorf("at first %v, later %v, running %v", first, second, y.cleanup.Running())
		}
		y.cleanup.Stop()
		y.cleanup.Stop()
		y.put("echo/"+clientEmail+"/3.request", created(20), 20)
		time.Sleep(24 * time.Hour)
		if got := y.cleanup.Stats(); got != second || y.cleanup.Running() {
			y.t.Errorf("after the stop: %v, running %v", got, y.cleanup.Running())
		}
		// It can be started again.
		ctx, cancel := context.WithCancel(context.Background())
		if err := y.cleanup.Start(ctx); err != nil {
			y.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		cancel()
		time.Sleep(time.Minute)
		if n := y.cleanup.Stats().RequestsDeleted; n != 3 || y.cleanup.Running() {
			y.t.Errorf("%d requests deleted, running %v", n, y.cleanup.Running())
		}
	})
}

func TestCleanupRejectsInvalidConfig(t *testing.T) {
	inYard(t, func(y *yard) {
		stats, err := y.cleanup.CleanupNow(context.Background())
		if err != nil || stats.RequestsDeleted != 0 {
			y.t.Errorf("%v, %v", stats, err)
		}
		y.cleanup.Stop() // was never started
	})
	for _, bad := range []*syftevent.PeriodicCleanup{
		{AppName: "", Client: &syftevent.Client{Email: serverEmail, DataDir: "x"}},
		{AppName: "../x", Client: &syftevent.Client{Email: serverEmail, DataDir: "x"}},
		{AppName: appName, Client: &syftevent.Client{}},
		{AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: "x"}, Expiry: -1},
		{AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: "x"}, Interval: -1},
	} {
		if err := bad.Start(context.Background()); err == nil {
			t.Errorf("%+v has started", bad)
		}
	}
}

func TestServerCleansUp(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.server.CleanupExpiry = 10 * 24 * time.Hour
		s.server.CleanupInterval = time.Hour
		y := &yard{t: t, dir: s.path()}
		y.put("echo/"+clientEmail+"/old.request", created(20), 20)
		y.put("echo/"+clientEmail+"/old.response", []byte("{}"), 20)
		if s.server.CleanupRunning() {
			t.Error("cleanup runs before the start")
		}
		s.start()
		time.Sleep(time.Minute)
		stats := s.server.Stats().Cleanup
		if stats.RequestsDeleted != 1 || stats.ResponsesDeleted != 1 || !s.server.CleanupRunning() {
			t.Errorf("%v, running %v", stats, s.server.CleanupRunning())
		}
		s.stop()
		if s.server.CleanupRunning() {
			t.Error("cleanup still runs")
		}
	})
	t.Run("off", func(t *testing.T) {
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, nil, replica)
			s.server.CleanupInterval = -1
			s.start()
			defer s.stop()
			if s.server.CleanupRunning() {
				t.Error("the cleanup runs")
			}
		})
	})
}
