package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oneVector is a file with one vector, which /echo answers.
const oneVector = `{"format": 1, "summary": "A greeting.", "vectors": [
  {"name": "greeting", "requirement": "publish-faithful", "endpoint": "echo", "sender": "client@example.com", "stem": "hello",
   "request": "{\"sender\":\"client@example.com\",\"url\":\"syft://{server}/app_data/{app}/rpc/echo\",\"body\":\"aGk=\"}",
   "expect": {"status": [200], "body": "hi"}}
]}
`

// writeVectors writes a file of vectors and returns its path.
func writeVectors(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunsVectorsOfAFile(t *testing.T) {
	path := writeVectors(t, "Greetings 1.json", oneVector)
	status, stdout, stderr := judge(t, "run", "-vectors", path)
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "1 scenario against", "vectors-greetings-1", "1 passed, 0 failed")

	// A folder may contain a schema, too.
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "x.schema.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = judge(t, "run", "-vectors", filepath.Dir(path), "fail-status", "vectors-greetings-1")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "2 scenarios against", "2 passed, 0 failed")
}

func TestReportsVectorThatDiffers(t *testing.T) {
	path := writeVectors(t, "a.json", strings.Replace(oneVector, `"body": "hi"`, `"body": "ho", "headers": {"x": "y"}`, 1))
	status, stdout, stderr := judge(t, "run", "-vectors", path)
	if status != exitUnexpected {
		t.Fatalf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout,
		`greeting [publish-faithful]: header x: "y"; body "ho"`,
		`1 differ: greeting`,
		`greeting: headers "{}"; body "hi"`,
		"-vectors="+path+" vectors-a\n")
}

func TestRefusesInvalidVectors(t *testing.T) {
	path := writeVectors(t, "a.json", oneVector)
	invalid := writeVectors(t, "b.json", strings.Replace(oneVector, "publish-faithful", "no-such-requirement", 1))
	for _, args := range [][]string{
		{"run", "-vectors", filepath.Join(t.TempDir(), "missing.json")},
		{"run", "-vectors", t.TempDir()},
		{"run", "-vectors", invalid},
		{"run", "-vectors", path, "-vectors", path},
		{"run", "-vectors", path, "no-such-id"},
		{"run", "vectors-a"},
	} {
		if status, stdout, stderr := judge(t, args...); status != exitUsage || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit %d, want %d and one line of error\n%s%s", args, status, exitUsage, stdout, stderr)
		}
	}
}
