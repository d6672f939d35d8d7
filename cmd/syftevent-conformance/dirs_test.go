package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// linked creates a folder and a symbolic link to it.
func linked(t *testing.T) (dir, link string) {
	t.Helper()
	dir = t.TempDir()
	link = filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	return dir, link
}

func TestDirHoldsFiles(t *testing.T) {
	dir, link := linked(t)
	for _, given := range []string{dir, link} {
		status, stdout, stderr := judge(t, "run", "-keep", "-dir", given, "publish-beside")
		if status != exitOK {
			t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
		}
		kept := regexp.MustCompile(`files kept in: (.*)\n`).FindStringSubmatch(stdout)
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil {
			t.Fatal(err)
		}
		if kept == nil || !strings.HasPrefix(kept[1], resolved+string(os.PathSeparator)) {
			t.Errorf("%s: %v is outside:\n%s", given, kept, stdout)
		}
	}
}

// The server receives only paths below -target-dir.
func TestTargetDirIsThePathForTheServer(t *testing.T) {
	dir, link := linked(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "smoke"} {
		id := map[string]string{"run": "proc-once", "smoke": "smoke-record"}[command]
		status, stdout, stderr := judge(t, command, "-dir", dir, "-target-dir", link, id, "--", self, targetPrefix+"only-below", link)
		if status != exitOK {
			t.Errorf("%s: exit %d\n%s%s", command, status, stdout, stderr)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	status, stdout, _ := judge(t, "run", "-dir", dir, "-target-dir", link, "fail-status", "--", self, targetPrefix+"fail-200")
	if status != exitUnexpected {
		t.Errorf("exit %d", status)
	}
	contains(t, "output", stdout, " -dir="+dir+" -target-dir="+link+" ")
}

// Servers that share work get the folders in turn.
func TestTargetDirsOfWorkers(t *testing.T) {
	dir, link := linked(t)
	other := link + "-2"
	if err := os.Symlink(dir, other); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(t.TempDir(), "dirs")
	t.Setenv(noteDirsVariable, seen)
	status, stdout, stderr := judge(t, "run", "-dir", dir, "-target-dir", link, "-target-dir", other, "work-spread", "--", self, targetPrefix+"only-below", link, other)
	if status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
	data, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, below := range []string{link, other} {
		if !strings.Contains(string(data), below+"\n") {
			t.Errorf("no server served in %s, but in:\n%s", below, data)
		}
	}
	status, stdout, _ = judge(t, "run", "-dir", dir, "-target-dir", link, "-target-dir", other, "fail-status", "--", self, targetPrefix+"fail-200")
	if status != exitUnexpected {
		t.Errorf("exit %d", status)
	}
	contains(t, "output", stdout, " -dir="+dir+" -target-dir="+link+" -target-dir="+other+" ")
}

func TestTargetDirMustBeTheSameFolder(t *testing.T) {
	status, _, stderr := judge(t, "run", "-dir", t.TempDir(), "-target-dir", t.TempDir(), "-ready-timeout", "50ms", "publish-beside")
	if status != exitCouldNotTest || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, want %d and one line\n%s", status, exitCouldNotTest, stderr)
	}
	contains(t, "error", stderr, "are not the same folder: a file written in the first was not seen in the second within 50ms")
}
