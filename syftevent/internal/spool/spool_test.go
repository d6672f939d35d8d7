package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

const sampleInput = `{"a":"question"}`

func quietOptions() Options {
	return Options{
		In: ".in", Out: ".out",
		Ignore:   func(name string) bool { return strings.HasPrefix(name, ".") },
		Complete: json.Valid, MaxSize: 1 << 20, Settle: 2 * time.Second, SettleRemote: 2 * time.Second,
		TempPrefix: ".temp-", NudgeInterval: -1,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, dir string, change func(*Options)) *Spool {
	t.Helper()
	options := quietOptions()
	if change != nil {
		change(&options)
	}
	s, err := Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.costlyFrom = time.Hour // a busy machine makes any listing take long
	return s
}

func write(t *testing.T, parts ...string) {
	t.Helper()
	name, content := filepath.Join(parts[:len(parts)-1]...), parts[len(parts)-1]
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func found(s *Spool) []string {
	var names []string
	for done := false; !done; {
		done = s.Scan(func(entry Entry) Verdict {
			names = append(names, entry.String())
			return Refused
		}).Done
	}
	slices.Sort(names)
	return names
}

func refuse(Entry) Verdict { return Refused }

// scanAll scans a whole round.
func scanAll(s *Spool) (did ScanResult) {
	for !did.Done {
		slice := s.Scan(refuse)
		did.Directories += slice.Directories
		did.Listed += slice.Listed
		did.Done = slice.Done
	}
	return did
}

// tree lists the files below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestScanFindsPendingInputs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.in", sampleInput)
	write(t, dir, "deep/er/b.in", sampleInput)
	write(t, dir, "deep/er/c.in", sampleInput)
	write(t, dir, "deep/er/c.out", sampleInput)
	write(t, dir, "deep/.hidden.in", sampleInput)
	write(t, dir, "deep/x.in.tmp.123", sampleInput)
	write(t, dir, "deep/alone.out", sampleInput)
	os.Mkdir(filepath.Join(dir, "folder.in"), 0o755)
	os.Mkdir(filepath.Join(dir, "a.out"), 0o755) // a directory is not an output
	s := open(t, dir, nil)
	if diff := cmp.Diff([]string{"a", "deep/er/b"}, found(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScanStopsAtMaxDepth(t *testing.T) {
	dir := t.TempDir()
	reachable := strings.Repeat("d/", rootfs.MaxDepth)
	write(t, dir, reachable, "a.in", sampleInput)
	write(t, dir, reachable, "d", "b.in", sampleInput)
	s := open(t, dir, nil)
	if diff := cmp.Diff([]string{reachable + "a"}, found(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The spool's directory is missing while a share is unmounted. After a remount another
// directory has its name.
func TestScanSurvivesVanishedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	write(t, dir, "a.in", sampleInput)
	var log bytes.Buffer
	s := open(t, dir, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	os.Rename(dir, dir+".away")
	for range 3 {
		if names := found(s); names != nil {
			t.Fatalf("found %v in a missing directory", names)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d log lines, want 1:\n%s", n, &log)
	}
	write(t, dir, "b.in", sampleInput)
	if diff := cmp.Diff([]string{"b"}, found(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadStates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "whole.in", sampleInput)
	write(t, dir, "half.in", sampleInput[:5])
	write(t, dir, "large.in", strings.Repeat("x", 1<<20+1))
	s := open(t, dir, nil)
	for stem, want := range map[string]State{"whole": Whole, "half": Incomplete, "large": TooLarge} {
		if _, state, err := s.Read(Entry{".", stem}, 1<<20); state != want || err != nil {
			t.Errorf("%s: state %d, err %v; want state %d", stem, state, err, want)
		}
	}
	if _, _, err := s.Read(Entry{".", "gone"}, 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
}

func TestReadRefusesLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "elsewhere/secret", sampleInput)
	// A link that stays inside the directory is followed even by os.Root.
	if err := os.Symlink("elsewhere/secret", filepath.Join(dir, "link.in")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	s := open(t, dir, nil)
	if names := found(s); names != nil {
		t.Errorf("found %v", names)
	}
	if data, _, err := s.Read(Entry{".", "link"}, 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read %q, %v", data, err)
	}
}

// A file that is written in pieces does not settle while it grows, and is Whole as soon as
// it is complete.
func TestReadWaitsForTheRest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	synctest.Test(t, func(t *testing.T) {
		write(t, dir, "a.in", "")
		s.Scan(func(Entry) Verdict { return Taken })
		for n := range len(sampleInput) {
			write(t, dir, "a.in", sampleInput[:n])
			if _, state, err := s.Read(Entry{".", "a"}, 1<<20); state != Incomplete || err != nil {
				t.Fatalf("after %d bytes: state %d, %v", n, state, err)
			}
			time.Sleep(1900 * time.Millisecond)
		}
		write(t, dir, "a.in", sampleInput)
		data, state, err := s.Read(Entry{".", "a"}, 1<<20)
		if string(data) != sampleInput || state != Whole || err != nil {
			t.Errorf("%q, state %d, %v", data, state, err)
		}
	})
}

func TestReadSettles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	write(t, dir, "a.in", sampleInput[:5])
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		for state := Incomplete; state != Settled; time.Sleep(time.Millisecond) {
			s.Scan(func(entry Entry) Verdict {
				var err error
				if _, state, err = s.Read(entry, 1<<20); err != nil {
					t.Error(err)
				}
				defer s.Done(entry)
				return Taken
			})
		}
		if waited := time.Since(begin); waited < 2*time.Second || waited > 2*time.Second+lastPause+10*time.Millisecond {
			t.Errorf("settled after %v", waited)
		}
	})
}

func TestPublish(t *testing.T) {
	for _, links := range []bool{true, false} {
		dir := t.TempDir()
		write(t, dir, "d/a.in", sampleInput)
		s := open(t, dir, func(o *Options) { o.Durable = links })
		s.links = links
		if err := s.Publish(Entry{"d", "a"}, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, dir, "d/a.out"); got != "answer" {
			t.Errorf("links %v: %q", links, got)
		}
		if err := s.Publish(Entry{"d", "a"}, []byte("answer")); err != nil {
			t.Errorf("links %v: the same output again: %v", links, err)
		}
		if err := s.Publish(Entry{"d", "a"}, []byte("other")); !errors.Is(err, rootfs.ErrTaken) {
			t.Errorf("links %v: another output: %v", links, err)
		}
		if diff := cmp.Diff([]string{"d/a.in", "d/a.out"}, tree(t, dir)); diff != "" {
			t.Errorf("links %v: files (-want +got):\n%s", links, diff)
		}
	}
}

func TestPublishReplacesLinksAndEmptyDirectories(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, dir, "a.in", sampleInput)
	write(t, dir, "b.in", sampleInput)
	if err := os.Symlink(outside, filepath.Join(dir, "a.out")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	os.Mkdir(filepath.Join(dir, "b.out"), 0o755)
	s := open(t, dir, nil)
	for _, stem := range []string{"a", "b"} {
		if err := s.Publish(Entry{".", stem}, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(filepath.Join(dir, stem+".out"))
		if err != nil || !info.Mode().IsRegular() || read(t, dir, stem+".out") != "answer" {
			t.Errorf("%s: %v, %v", stem, info, err)
		}
	}
	if _, err := os.Lstat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
}

func TestPublishMakesNoDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	write(t, dir, "there/b.in", sampleInput)
	os.Rename(filepath.Join(dir, "there"), filepath.Join(dir, "elsewhere"))
	if err := s.Publish(Entry{"there", "b"}, []byte("answer")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := s.Publish(Entry{"gone", "a"}, []byte("answer")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := s.Publish(Entry{"elsewhere", "gone"}, []byte("answer")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"elsewhere/b.in"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
