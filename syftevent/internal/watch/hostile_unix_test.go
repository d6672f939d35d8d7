//go:build unix

package watch

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReportsRegularFilesWithPlainNamesOnly(t *testing.T) {
	inYard(t, "**", func(y *yard) {
		outside := t.TempDir()
		y.must(os.WriteFile(outside+"/secret", []byte("1"), 0o600))
		y.mkdir(alice + "/public")
		y.must(os.Symlink(outside+"/secret", y.name(alice+"/link")))
		y.must(os.Symlink(outside, y.name(alice+"/folder")))
		y.must(os.Symlink(outside, y.name("mallory@example.com")))
		y.must(os.Symlink("../", y.name(alice+"/public/loop")))
		y.must(syscall.Mkfifo(y.name(alice+"/fifo"), 0o644))
		y.must(syscall.Mkfifo(y.name("fifo@example.com"), 0o644))
		for _, name := range []string{"line\nbreak", "esc\x1b[31m", "c1\u009b", `back\slash`, "invalid\xff"} {
			if err := os.WriteFile(y.name(alice+"/"+name), []byte("1"), 0o644); err != nil {
				t.Log(err) // not on every system
			}
		}
		deep := alice + strings.Repeat("/d", 40)
		y.write(deep+"/x", "1")
		long := alice + strings.Repeat("/"+strings.Repeat("n", 200), 6)
		y.mkdir(long)
		y.must(os.Mkdir(y.name(alice+"/none"), 0))
		y.write(alice+"/good", "1")
		y.start()
		y.expect("created " + alice + "/good")
		if f := y.watcher.Figures(); f.Left < 2 {
			t.Errorf("figures: %+v", f)
		}
	})
}

// Somebody replaces a folder by a symbolic link after its file was found.
func TestOpenFollowsNoLink(t *testing.T) {
	inYard(t, "*/public/*", func(y *yard) {
		var openErr error
		y.handle = func(event *Event) error {
			if event.Op == Created && strings.HasPrefix(event.Path, alice) {
				y.must(os.Rename(y.name(alice+"/public"), y.name(alice+"/private")))
				y.must(os.Symlink("private", y.name(alice+"/public")))
				var f *os.File
				if f, openErr = event.Open(); openErr == nil {
					f.Close()
				}
			}
			return nil
		}
		y.write(alice+"/public/a", "1")
		y.start()
		y.expect("created "+alice+"/public/a", "removed "+alice+"/public/a")
		if openErr == nil {
			t.Error("the file was opened through a link")
		}
		y.write("carol@example.com/public/a", "1")
		y.expect("created carol@example.com/public/a")
		y.stop()
		y.must(os.Rename(y.name("carol@example.com/public"), y.name("carol@example.com/private")))
		y.must(os.Symlink("private", y.name("carol@example.com/public")))
		y.start()
		y.expect("removed carol@example.com/public/a")
	})
}

// A datasite whose files change all the time, and whose folder is replaced all the time, delays no
// other.
func TestRestlessFilesDelayNoOther(t *testing.T) {
	inYard(t, "**/*.json", func(y *yard) {
		y.start()
		for i := range 60 {
			y.must(os.RemoveAll(y.name(alice + "/x")))
			y.write(alice+"/x/a.json", strings.Repeat("1", i+1))
			y.write(alice+"/b.json", strings.Repeat("1", i+1))
			if i == 30 {
				y.write("carol@example.com/c.json", "1")
			}
			time.Sleep(time.Second)
		}
		y.mu.Lock()
		events := strings.Join(y.events, ", ")
		y.events = nil
		y.mu.Unlock()
		if events != "created carol@example.com/c.json" {
			t.Errorf("events meanwhile: %s", events)
		}
		y.expect("created "+alice+"/b.json", "created "+alice+"/x/a.json")
	})
}
