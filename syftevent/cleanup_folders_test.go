package syftevent_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// age sets the times of folders back.
func (y *yard) age(names ...string) {
	y.t.Helper()
	long := time.Now().AddDate(-1, 0, 0)
	for _, name := range names {
		if err := os.Chtimes(filepath.Join(y.dir, name), long, long); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *yard) mkdir(names ...string) {
	y.t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(y.dir, name), 0o755); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *yard) run() {
	y.t.Helper()
	if stats, err := y.cleanup.CleanupNow(context.Background()); err != nil || stats.Errors != 0 {
		y.t.Errorf("%v, %v", stats, err)
	}
}

// A sender can create folders of any path by sending requests to them.
func TestCleanupRemovesEmptyFolders(t *testing.T) {
	inYard(t, func(y *yard) {
		// An old tree is removed completely.
		y.mkdir("no/such/endpoint/old@example.com", "no/such/other/old@example.com", "echo/old@example.com/1.response/old@example.com", "a/b/c/d/e/f/g/h")
		y.put("no/such/endpoint/old@example.com/.syftkeep", nil, 20)
		y.put("echo/.syftkeep", nil, 20)
		// A recent folder stays, and the folders above it.
		y.mkdir("young/folder", "old/young/old", "old/young@example.com")
		// Another server's endpoint and a folder with any file stay too.
		y.put("another/.syftkeep", nil, 20)
		y.put("data/notes.txt", nil, 20)
		y.mkdir("link")
		if err := os.Symlink("nowhere", filepath.Join(y.dir, "link", "a")); err != nil {
			y.t.Skip("no symbolic links here:", err)
		}
		y.age("no/such/endpoint/old@example.com", "no/such/endpoint", "no/such/other/old@example.com", "no/such/other", "no/such", "no",
			"echo/old@example.com/1.response/old@example.com", "echo/old@example.com/1.response", "echo/old@example.com", "echo",
			"a/b/c/d/e/f/g/h", "a/b/c/d/e/f/g", "a/b/c/d/e/f", "a/b/c/d/e", "a/b/c/d", "a/b/c", "a/b", "a",
			"old/young/old", "old", "another", "data", "link")
		y.run()
		want := []string{"another", "another/.syftkeep", "data", "data/notes.txt", "echo", "echo/.syftkeep", "link", "link/a",
			"old", "old/young", "old/young@example.com", "young", "young/folder"}
		if diff := cmp.Diff(want, y.files()); diff != "" {
			y.t.Errorf("files (-want +got):\n%s", diff)
		}
	})
}

// A folder that was just emptied may be used again.
func TestCleanupKeepsFolderItJustEmptied(t *testing.T) {
	inYard(t, func(y *yard) {
		dir := "echo/" + clientEmail
		y.put(dir+"/1.request", created(20), 20)
		y.age(dir, "echo")
		y.run()
		if diff := cmp.Diff([]string{"echo", dir}, y.files()); diff != "" {
			y.t.Errorf("files (-want +got):\n%s", diff)
		}
		y.age(dir, "echo")
		y.run()
		if files := y.files(); len(files) != 0 {
			y.t.Errorf("left: %v", files)
		}
	})
}

// A file with a time in the future counts as new when it is first seen.
func TestCleanupKeepsFilesFromTheFuture(t *testing.T) {
	inYard(t, func(y *yard) {
		dir := "echo/" + clientEmail
		files := []string{dir + "/bad.request", dir + "/orphan.response", dir + "/answered.request", dir + "/answered.response", dir + "/x.request.tmp.1", dir + "/soon.request"}
		future := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, name := range files {
			content := []byte("{]")
			if strings.HasSuffix(name, "answered.request") {
				content = created(20)
			}
			y.put(name, content, 0)
			if err := os.Chtimes(filepath.Join(y.dir, name), future, future); err != nil {
				y.t.Fatal(err)
			}
		}
		y.mkdir("echo/quiet@example.com")
		os.Chtimes(filepath.Join(y.dir, "echo/quiet@example.com"), future, future)
		// The clocks of two machines differ.
		soon := fileTime(y.t, y.dir).Add(time.Hour)
		os.Chtimes(filepath.Join(y.dir, dir, "soon.request"), soon, soon)
		y.run()
		for _, name := range append(files, "echo/quiet@example.com") {
			info, err := os.Lstat(filepath.Join(y.dir, name))
			if err != nil {
				y.t.Fatal(err)
			}
			// Ten days pass.
			if strings.HasSuffix(name, "soon.request") {
				if !info.ModTime().Equal(soon) {
					y.t.Errorf("%s has the time %v", name, info.ModTime())
				}
			} else if info.ModTime().After(soon) {
				y.t.Errorf("%s has the time %v", name, info.ModTime())
			}
			old := info.ModTime().AddDate(0, 0, -11)
			os.Chtimes(filepath.Join(y.dir, name), old, old)
		}
		y.run()
		if left := y.files(); !slices.Equal(left, []string{"echo", dir}) {
			y.t.Errorf("left: %v", left)
		}
	})
}

// fileTime returns the time that a file written now gets.
func fileTime(t *testing.T, dir string) time.Time {
	t.Helper()
	f, err := os.CreateTemp(dir, "now")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// A date in the year 1 is a valid date, not an absent field.
func TestCleanupAcceptsDatesInYearOne(t *testing.T) {
	inYard(t, func(y *yard) {
		const first = "0001-01-01T00:00:00Z"
		dir := "echo/" + clientEmail
		y.put(dir+"/gone.request", envelope("/echo", map[string]any{"created": first, "expires": first}), 0)
		y.put(dir+"/live.request", envelope("/echo", map[string]any{"created": first}), 0)
		y.run()
		if diff := cmp.Diff([]string{"echo", dir, dir + "/live.request"}, y.files()); diff != "" {
			y.t.Errorf("files (-want +got):\n%s", diff)
		}
	})
}
