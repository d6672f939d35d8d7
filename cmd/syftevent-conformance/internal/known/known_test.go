package known

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func exists(id string) bool { return len(id) == 1 }

// write creates a list file.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known.txt")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

const text = `# What is known.

a  # because
  b # see https://example.com/#7
# A comment between.
flaky: c  # now and then
flaky:d#tight`

func TestRead(t *testing.T) {
	for name, text := range map[string]string{"LF": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n")} {
		l, err := Read(write(t, text), exists)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []*Entry{
			{"a", "because", false},
			{"b", "see https://example.com/#7", false},
			{"c", "now and then", true},
			{"d", "tight", true},
		} {
			if diff := cmp.Diff(want, l.Entry(want.Scenario)); diff != "" {
				t.Errorf("%s: (-want +got):\n%s", name, diff)
			}
		}
		if e := l.Entry("x"); e != nil {
			t.Errorf("x is known: %+v", e)
		}
	}
	if e := (*List)(nil).Entry("a"); e != nil {
		t.Errorf("no list knows %+v", e)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a":                        "known.txt:1: a has no reason, want",
		"# x\na  #\n":              "known.txt:2: a has no reason",
		"a # x\n\nflaky: a # y":    "known.txt:3: duplicate a, first on line 1",
		"nosuch # x":               `known.txt:1: unknown scenario "nosuch"`,
		"a b # x":                  `known.txt:1: invalid entry "a b # x", want "ID  # reason"`,
		"flaky: # x":               "invalid entry",
		"flakey: a # x":            "invalid entry",
		"a is broken, it is known": "invalid entry",
	} {
		if _, err := Read(write(t, text), exists); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), exists); err == nil {
		t.Error("read a missing file")
	}
}

func TestUpdate(t *testing.T) {
	path := write(t, text)
	l, err := Read(path, exists)
	if err != nil {
		t.Fatal(err)
	}
	changes := l.Update([]Finding{
		{Scenario: "z", Failed: true, Reason: "[z] expected: one\n line;  actual: " + strings.Repeat("ü", mostReason)},
		{Scenario: "a", Passed: true},
		{Scenario: "b", Failed: true, Reason: "the old one is kept"},
		{Scenario: "c", Passed: true},
		{Scenario: "e", Failed: true},
		{Scenario: "f"},
		{Scenario: "g", Passed: true},
	})
	if diff := cmp.Diff([]string{"removed a, which passed", "added e, which failed", "added z, which failed"}, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := "[z] expected: one line; actual: "
	want := `# What is known.

  b # see https://example.com/#7
# A comment between.
flaky: c  # now and then
flaky:d#tight
e  # failed
z  # ` + start + strings.Repeat("ü", (mostReason-len(start))/2) + "…\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Read(path, exists); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestWriteCreatesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.txt")
	l := New(path)
	l.Update([]Finding{{Scenario: "a", Failed: true, Reason: "why"}})
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "a  # why\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := New(filepath.Join(path, "x")).Write(); err == nil {
		t.Error("a list was written below a file")
	}
}

func TestWriteKeepsLink(t *testing.T) {
	path := write(t, "a # x\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	l, err := Read(link, exists)
	if err != nil {
		t.Fatal(err)
	}
	l.Update([]Finding{{Scenario: "a", Passed: true}})
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
