package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

func TestSweepContinuesAfterBadFile(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const old = `{"sender":"a@example.com","url":"u","created":"2000-01-01T00:00:00Z","expires":"2000-01-01T00:00:00Z"}`
	if err := root.WriteFile("b.request", []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	sweeper := &Sweeper{Dir: root.Name(), Expiry: time.Hour, MaxSize: 1 << 20, Logger: slog.New(slog.DiscardHandler)}
	run, err := sweeper.begin(root)
	if err != nil {
		t.Fatal(err)
	}
	defer run.anchor.Close()
	run.directory(context.Background(), ".", []rootfs.Name{
		{Name: "a\x00b.request", Regular: true}, // no system can read it
		{Name: "b.request", Regular: true},
	})
	if run.stats.Errors != 1 || run.stats.Requests != 1 {
		t.Errorf("%v", run.stats)
	}
}

// A request may arrive in a directory that is about to be removed.
func TestSweepKeepsADirectoryThatIsUsedAgain(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const dir = "a@example.com"
	if err := root.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-1, 0, 0)
	for _, name := range []string{dir + "/" + protocol.KeepName, dir + "/new.request"} { // since it was listed
		if err := root.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := root.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	sweeper := &Sweeper{Dir: root.Name(), Expiry: time.Hour, MaxSize: 1 << 20, Logger: slog.New(slog.DiscardHandler)}
	run, err := sweeper.begin(root)
	if err != nil {
		t.Fatal(err)
	}
	defer run.anchor.Close()
	run.directory(context.Background(), ".", []rootfs.Name{{Name: dir}})
	run.directory(context.Background(), dir, []rootfs.Name{{Name: protocol.KeepName, Regular: true}})
	run.leaveUntil("")
	for _, name := range []string{protocol.KeepName, "new.request"} {
		if _, err := root.Lstat(dir + "/" + name); err != nil {
			t.Error(err)
		}
	}
	if run.stats.Errors != 0 {
		t.Errorf("%v", run.stats)
	}
}

// A folder that is listed in parts is swept as any other.
func TestSweepOfAHugeFolder(t *testing.T) {
	const few = 50
	dir := t.TempDir()
	long, now := time.Now().AddDate(-1, 0, 0), time.Now()
	old := []byte(`{"sender":"a@example.com","url":"u","created":"2000-01-01T00:00:00Z","expires":"2000-01-01T00:00:00Z"}`)
	put := func(name string, data []byte, at time.Time) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o644), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]bool{}
	for n := range 3 * few {
		for _, name := range []string{"pair%d.request", "pair%d.response", "alone%d.response", "x%d.tmp", "y.conflict.%d.request"} {
			put("echo/a@example.com/"+fmt.Sprintf(name, n), old, long)
		}
		// The response is so young that both stay.
		for _, name := range []string{"kept%d.request", "kept%d.response", "notes%d.txt"} {
			name = "echo/a@example.com/" + fmt.Sprintf(name, n)
			at := long
			if strings.HasSuffix(name, protocol.ResponseSuffix) {
				at = now
			}
			put(name, old, at)
			want[name] = true
		}
		// Folders of senders that are empty but for a .syftkeep.
		sender := fmt.Sprintf("echo/gone%d@example.com", n)
		put(sender+"/"+protocol.KeepName, nil, long)
		if err := os.Chtimes(filepath.Join(dir, sender), long, long); err != nil {
			t.Fatal(err)
		}
	}
	s := &Sweeper{Dir: dir, Expiry: time.Hour, MaxSize: 1 << 20, MaxListed: few, Logger: slog.New(slog.DiscardHandler)}
	stats, err := s.Sweep(context.Background())
	if err != nil || stats.Errors != 0 || stats.Requests != 3*few || stats.Responses != 6*few {
		t.Errorf("%v, %v", stats, err)
	}
	got := map[string]bool{}
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		if rel = filepath.ToSlash(rel); rel != "." && rel != "echo" && rel != "echo/a@example.com" {
			got[rel] = true
		}
		return err
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
