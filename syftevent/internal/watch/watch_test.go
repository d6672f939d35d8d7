package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	alice  = "alice@example.com"
	bob    = "bob@example.com"
	appDir = bob + "/app_data/demo"
)

// A yard is a directory of datasites with a Watcher, which runs in a synctest bubble: waiting
// takes no time, but the files are real.
type yard struct {
	t       *testing.T
	dir     string
	options Options
	files   fileSystem
	prepare func(*Watcher) // before it starts; nil for nothing
	watcher *Watcher
	cancel  context.CancelFunc
	log     logBuffer

	mu     sync.Mutex
	events []string
	handle func(*Event) error // after the event was recorded; nil for success
}

// A logBuffer is a log in memory.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// inYard runs a test in a bubble. The Watcher is not started.
func inYard(t *testing.T, pattern string, test func(y *yard)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		y := &yard{t: t, dir: dir, files: native{}}
		y.options = Options{
			Dir: dir, Own: bob, App: appDir, PollInterval: 100 * time.Millisecond, IdleShare: 1,
			Settle: 2 * time.Second, SettleRemote: 30 * time.Second, Concurrency: 4, Limits: DefaultLimits,
			Logger: slog.New(slog.NewTextHandler(&y.log, nil)),
		}
		y.watch(pattern)
		y.mkdir(appDir)
		test(y)
		if y.watcher != nil {
			y.stop()
		}
	})
}

// watch adds a watch that records its events.
func (y *yard) watch(pattern string) {
	y.t.Helper()
	p, err := ParsePattern(pattern, bob, "demo")
	if err != nil {
		y.t.Fatal(err)
	}
	y.options.Watches = append(y.options.Watches, Watch{p, func(ctx context.Context, event *Event) error {
		y.mu.Lock()
		y.events = append(y.events, fmt.Sprintf("%s %s", []string{"", "created", "changed", "removed"}[event.Op], event.Path))
		handle := y.handle
		y.mu.Unlock()
		if handle != nil {
			return handle(event)
		}
		return nil
	}})
}

func (y *yard) start() {
	y.t.Helper()
	y.watcher = newWith(y.options, y.files)
	if y.prepare != nil {
		y.prepare(y.watcher)
	}
	var ctx context.Context
	ctx, y.cancel = context.WithCancel(y.t.Context())
	if err := y.watcher.Start(ctx, func() bool { return false }); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) stop() {
	y.cancel()
	<-y.watcher.Stop()
	y.watcher.Close()
	y.watcher = nil
}

// kill stops the Watcher without saving the cursor.
func (y *yard) kill() {
	y.cancel()
	<-y.watcher.Stop()
	<-y.watcher.stopped
	y.watcher = nil
}

func (y *yard) name(name string) string { return filepath.Join(y.dir, filepath.FromSlash(name)) }

func (y *yard) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) mkdir(name string) {
	y.t.Helper()
	y.must(os.MkdirAll(y.name(name), 0o755))
}

func (y *yard) write(name, content string) {
	y.t.Helper()
	y.mkdir(filepath.ToSlash(filepath.Dir(name)))
	y.must(os.WriteFile(y.name(name), []byte(content), 0o644))
}

// take waits and returns the events since the last call, sorted.
func (y *yard) take(wait time.Duration) []string {
	y.t.Helper()
	time.Sleep(wait)
	synctest.Wait()
	y.mu.Lock()
	defer y.mu.Unlock()
	events := slices.Sorted(slices.Values(y.events))
	y.events = nil
	return events
}

// long is enough for any event on a local file system.
const long = time.Minute

// expect waits and checks the events since the last call.
func (y *yard) expect(want ...string) {
	y.t.Helper()
	if diff := cmp.Diff(want, y.take(long)); diff != "" {
		y.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestReportsCreatedChangedAndRemovedFiles(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		y.write(alice+"/old.json", "1")
		y.start()
		y.expect("created " + alice + "/old.json")
		y.write(alice+"/public/new.json", "1")
		y.write(alice+"/public/other.txt", "1")
		y.expect("created " + alice + "/public/new.json")
		y.write(alice+"/public/new.json", "22")
		y.write(alice+"/public/new.json", "333")
		y.expect("changed " + alice + "/public/new.json")
		y.must(os.Remove(y.name(alice + "/old.json")))
		y.expect("removed " + alice + "/old.json")
		y.must(os.Chmod(y.name(alice+"/public/new.json"), 0o600))
		y.expect()
	})
}

func TestReportsRenamesOfFilesAndFolders(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		y.write(alice+"/a/1.json", "1")
		y.write(alice+"/a/deep/2.json", "2")
		y.start()
		y.take(long)
		y.must(os.Rename(y.name(alice+"/a/1.json"), y.name(alice+"/a/3.json")))
		y.expect("created "+alice+"/a/3.json", "removed "+alice+"/a/1.json")
		y.must(os.Rename(y.name(alice+"/a"), y.name(alice+"/b")))
		y.expect("created "+alice+"/b/3.json", "created "+alice+"/b/deep/2.json", "removed "+alice+"/a/3.json", "removed "+alice+"/a/deep/2.json")
		y.must(os.Rename(y.name(alice), y.name("carol@example.com")))
		y.expect("created carol@example.com/b/3.json", "created carol@example.com/b/deep/2.json", "removed "+alice+"/b/3.json", "removed "+alice+"/b/deep/2.json")
		// A file renamed over another one with the same size and time is the same.
		y.write("carol@example.com/b/4.json.part", "44")
		y.must(os.Rename(y.name("carol@example.com/b/4.json.part"), y.name("carol@example.com/b/3.json")))
		y.expect("changed carol@example.com/b/3.json")
	})
}

func TestCoalescesWhatHappensBetweenScans(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		y.write(alice+"/a.json", "1")
		y.start()
		y.take(long)
		y.write(alice+"/short.json", "1")
		time.Sleep(time.Second)
		y.must(os.Remove(y.name(alice + "/short.json")))
		y.must(os.Remove(y.name(alice + "/a.json")))
		time.Sleep(time.Second)
		y.write(alice+"/a.json", "another")
		y.expect("changed " + alice + "/a.json")
	})
}

func TestWaitsForFilesToSettle(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		y.start()
		y.write(alice+"/quiet.json", "1")
		var content strings.Builder
		for range 100 {
			content.WriteString("1")
			y.write(alice+"/busy.json", content.String())
			time.Sleep(time.Second)
		}
		if events := y.take(0); !slices.Equal(events, []string{"created " + alice + "/quiet.json"}) {
			t.Errorf("events while a file is written: %q", events)
		}
		y.mu.Lock()
		y.handle = func(event *Event) error {
			f, err := event.Open()
			if err != nil {
				return err
			}
			defer f.Close()
			if data, err := io.ReadAll(f); err != nil || len(data) != 100 || event.Size != 100 {
				t.Errorf("%d bytes read, size %d, error %v", len(data), event.Size, err)
			}
			return nil
		}
		y.mu.Unlock()
		y.expect("created " + alice + "/busy.json")
	})
}

func TestRetriesFailedHandlersWithoutDelayingOthers(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		attempts := map[string][]int{}
		y.handle = func(event *Event) error {
			y.mu.Lock()
			defer y.mu.Unlock()
			name := filepath.Base(event.Path)
			attempts[name] = append(attempts[name], event.Attempt)
			switch {
			case name == "panic.json" && event.Attempt == 1:
				panic("no")
			case name == "exit.json" && event.Attempt == 1:
				runtime.Goexit()
			case name == "error.json" && event.Attempt < 4:
				return errors.New("no")
			}
			return nil
		}
		for _, name := range []string{"panic", "exit", "error", "good"} {
			y.write(alice+"/"+name+".json", "1")
		}
		y.start()
		y.take(long)
		want := map[string][]int{"panic.json": {1, 2}, "exit.json": {1, 2}, "error.json": {1, 2, 3, 4}, "good.json": {1}}
		if diff := cmp.Diff(want, attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if f := y.watcher.Figures(); f.Events != 4 || f.Failed != 5 || f.Files != 4 || f.Queued != 0 || f.InFlight != 0 {
			t.Errorf("figures: %+v", f)
		}
		if log := y.log.String(); !strings.Contains(log, "panic") || !strings.Contains(log, "exited without returning") {
			t.Errorf("log: %s", log)
		}
	})
}

// An event whose handler has failed is not repeated as it was, but follows from what is there.
func TestRetriesWithTheCurrentVersion(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		fails := true
		y.handle = func(*Event) error {
			y.mu.Lock()
			defer y.mu.Unlock()
			if fails {
				return errors.New("no")
			}
			return nil
		}
		y.write(alice+"/a.json", "1")
		y.write(alice+"/b.json", "1")
		y.start()
		y.take(3 * time.Second)
		y.must(os.Remove(y.name(alice + "/a.json")))
		y.write(alice+"/b.json", "22")
		time.Sleep(10 * time.Second)
		y.take(0)
		y.mu.Lock()
		fails = false
		y.mu.Unlock()
		y.expect("created " + alice + "/b.json") // no handler has seen a.json
	})
}

func TestCallsHandlersOfOneFileOneAtATimeAndOthersAtOnce(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		running, most, release := map[string]int{}, 0, make(chan struct{})
		y.handle = func(event *Event) error {
			y.mu.Lock()
			running[event.Path]++
			if running[event.Path] > 1 {
				t.Errorf("%s: two handlers at once", event.Path)
			}
			total := 0
			for _, n := range running {
				total += n
			}
			most = max(most, total)
			y.mu.Unlock()
			if strings.HasPrefix(event.Path, alice) {
				<-release
			}
			y.mu.Lock()
			running[event.Path]--
			y.mu.Unlock()
			return nil
		}
		for i := range 5 {
			y.write(fmt.Sprintf("%s/%d.json", alice, i), "1")
		}
		y.write("carol@example.com/c.json", "1")
		y.start()
		events := y.take(long)
		if len(events) != 3 || !slices.Contains(events, "created carol@example.com/c.json") {
			t.Errorf("events while alice's handlers block: %q", events)
		}
		y.write(alice+"/0.json", "22")
		y.write(alice+"/1.json", "22")
		time.Sleep(long)
		close(release)
		y.take(long)
		if most > 3 {
			t.Errorf("%d handlers at once", most)
		}
		if f := y.watcher.Figures(); f.Events < 6 || f.Queued != 0 {
			t.Errorf("figures: %+v", f)
		}
	})
}

func TestContinuesAfterARestart(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		for _, name := range []string{"same", "changed", "removed", "folder/gone"} {
			y.write(alice+"/"+name+".json", "1")
		}
		y.start()
		y.take(long)
		y.stop()
		y.write(alice+"/changed.json", "22")
		y.write(alice+"/new.json", "1")
		y.must(os.Remove(y.name(alice + "/removed.json")))
		y.must(os.RemoveAll(y.name(alice + "/folder")))
		y.start()
		y.expect("changed "+alice+"/changed.json", "created "+alice+"/new.json", "removed "+alice+"/folder/gone.json", "removed "+alice+"/removed.json")
		y.stop()
		y.start()
		y.expect()
		y.kill()
		y.start()
		y.expect()
		y.stop()
		y.must(os.RemoveAll(y.name(alice)))
		y.start()
		y.expect("removed "+alice+"/changed.json", "removed "+alice+"/new.json", "removed "+alice+"/same.json")
		if n := len(y.watcher.directories) + len(y.watcher.sites); n != 4 { // those of the app
			t.Errorf("%d directories and sites are left: %v", n, slices.Collect(maps.Keys(y.watcher.directories)))
		}
	})
}

// A pattern that is new after a restart has seen no file.
func TestCursorIsByPattern(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		y.write(alice+"/a.json", "1")
		y.start()
		y.expect("created " + alice + "/a.json")
		y.stop()
		y.watch("*/a.*")
		slices.Reverse(y.options.Watches)
		y.start()
		y.expect("created " + alice + "/a.json")
	})
}

func TestAnotherEventFollowsACrash(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		y.write(alice+"/a.json", "1")
		y.start()
		y.take(long)
		y.mu.Lock()
		y.handle = func(*Event) error { y.cancel(); return errors.New("canceled") }
		y.mu.Unlock()
		y.write(alice+"/b.json", "1")
		y.expect("created " + alice + "/b.json")
		y.kill()
		y.handle = nil
		y.start()
		y.expect("created " + alice + "/b.json")
	})
}

func TestRebuildsACorruptCursor(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"truncated": func(data []byte) []byte { return data[:len(data)/2] },
		"last line": func(data []byte) []byte { return data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1] },
		"altered":   func(data []byte) []byte { return bytes.Replace(data, []byte("a.json"), []byte("b.json"), 1) },
		"NULs":      func(data []byte) []byte { return make([]byte, len(data)) },
		"version":   func(data []byte) []byte { return bytes.Replace(data, []byte(`"version":1`), []byte(`"version":9`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inYard(t, "*.json", func(y *yard) {
				y.write(alice+"/a.json", "1")
				y.start()
				y.take(long)
				y.stop()
				cursor := y.name(appDir + "/" + cursorName)
				info, err := os.Stat(cursor)
				y.must(err)
				if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
					t.Errorf("mode of the cursor is %v", info.Mode())
				}
				data, err := os.ReadFile(cursor)
				y.must(err)
				y.must(os.WriteFile(cursor, damage(data), 0o600))
				y.start()
				y.expect("created " + alice + "/a.json")
				if !strings.Contains(y.log.String(), "reading cursor of watched files failed") {
					t.Errorf("log: %s", y.log.String())
				}
				y.stop()
				y.start()
				y.expect()
			})
		})
	}
}

func TestReportsNothingRemovedWhileAShareIsNotMounted(t *testing.T) {
	inYard(t, "*.json", func(y *yard) {
		y.write(alice+"/a.json", "1")
		y.start()
		y.take(long)
		away := y.dir + ".away"
		y.must(os.Rename(y.dir, away))
		y.expect()
		y.must(os.Mkdir(y.dir, 0o755)) // the mount point
		y.expect()
		y.must(os.Remove(y.dir))
		y.must(os.Rename(away, y.dir))
		y.expect()
		y.write(alice+"/b.json", "1")
		y.expect("created " + alice + "/b.json")
		if n := strings.Count(y.log.String(), "reading watched path failed"); n == 0 || n > 3 {
			t.Errorf("log: %s", y.log.String())
		}
	})
}

func TestIgnoresWhatSyftBoxDoes(t *testing.T) {
	inYard(t, "**", func(y *yard) {
		y.mkdir("not-a-datasite")
		for _, name := range []string{
			"x.tmp", ".syftevent-serve-x.tmp", "x.log", ".syftkeep", "a.conflict.json", "a.rejected.20260102030405.json",
			".git/config", "logs/a.json", "dist/a.json", "__pycache__/a.json", "a.pyc",
		} {
			y.write(alice+"/"+name, "1")
		}
		y.write("not-a-datasite/a.json", "1")
		y.write("top.json", "1")
		y.write(alice+"/.hidden.json", "1")
		y.write(alice+"/logs.json", "1")
		y.start()
		y.expect("created "+alice+"/.hidden.json", "created "+alice+"/logs.json")
	})
}

func TestLimitsFilesAndFolders(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		y.options.Limits = Limits{Files: 20, OwnFiles: 10, OtherFiles: 5}
		for i := range 12 {
			y.write(fmt.Sprintf("%s/%02d.json", alice, i), "1")
		}
		y.write("carol@example.com/c.json", "1")
		y.start()
		if events := y.take(long); len(events) != 6 || !slices.Contains(events, "created carol@example.com/c.json") {
			t.Errorf("events: %q", events)
		}
		if f := y.watcher.Figures(); f.Files != 6 || f.Left != 7 {
			t.Errorf("figures: %+v", f)
		}
		if n := strings.Count(y.log.String(), "beyond a limit"); n != 1 {
			t.Errorf("log: %s", y.log.String())
		}
		for i := range 12 {
			y.must(os.RemoveAll(y.name(fmt.Sprintf("%s/%02d.json", alice, i))))
		}
		y.take(2 * long)
		y.write(alice+"/late.json", "1")
		y.expect("created " + alice + "/late.json")
		if f := y.watcher.Figures(); f.Files != 2 || f.Left != 0 {
			t.Errorf("figures: %+v", f)
		}
	})
}

func TestReplacesFileByFolderAndBack(t *testing.T) {
	inYard(t, "**", func(y *yard) {
		y.write(alice+"/x", "1")
		y.start()
		y.take(long)
		y.must(os.Remove(y.name(alice + "/x")))
		y.write(alice+"/x/y", "1")
		y.expect("created "+alice+"/x/y", "removed "+alice+"/x")
		y.must(os.RemoveAll(y.name(alice + "/x")))
		y.write(alice+"/x", "1")
		y.expect("created "+alice+"/x", "removed "+alice+"/x/y")
	})
}
