package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/bench"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func TestBenchComparesServers(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	status, stdout, stderr := judge(t, "bench", "-dir", dir, "-runs", "1", "latency", "-name", "twin", "--", self, "serve")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "the table", stdout, "| measure | unit | reference | twin | reference is |", "| latency: ")
	contains(t, "the progress", stderr, "latency: reference, 1 of 1", "latency: twin, 1 of 1")
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestBenchReportsFailingServer(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, _ := judge(t, "bench", "-dir", t.TempDir(), "-runs", "1", "burst-1", "--", self, targetPrefix+"exit")
	if status != exitOK {
		t.Errorf("exit %d, want 0: the failure belongs in the table", status)
	}
	contains(t, "the table", stdout, "failed: the server did not become ready", "the last words")
}

func TestBenchUsageErrors(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"no-such"}, `unknown measure "no-such"; the measures are [burst-1 `},
		{[]string{"-runs", "0"}, "-runs 0: must be at least 1"},
		{[]string{"-idle", "0s"}, "-idle 0s: must be more than 0"},
		{[]string{"-dir", "/no/such/folder"}, "-dir /no/such/folder: no such folder"},
		{[]string{"-svg", "x.svg", "burst-1"}, "-svg x.svg: nothing to draw: take at least two measures of one curve"},
		{[]string{"-no-such"}, "flag provided but not defined: -no-such"},
		{[]string{"--"}, "missing COMMAND after --"},
	} {
		status, _, stderr := judge(t, append([]string{"bench"}, test.args...)...)
		if status != exitUsage {
			t.Errorf("%v: exit %d", test.args, status)
		}
		contains(t, strings.Join(test.args, " "), stderr, test.want)
	}
}

// BenchmarkReference runs every measure of bench on the reference.
func BenchmarkReference(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	reference := bench.Subject{Name: "reference", Command: target.Command{Args: []string{self, "serve"}, ReadyTimeout: time.Minute}}
	for _, m := range bench.Measures {
		b.Run(m.Name, func(b *testing.B) {
			total := 0.0
			for b.Loop() {
				config := bench.Config{
					Dir: b.TempDir(), Subjects: []bench.Subject{reference}, Runs: 1, Idle: 10 * time.Second,
					Measures: []string{m.Name}, Progress: b.Logf,
				}
				err := bench.Run(b.Context(), config, func(row bench.Row) {
					if err := row.Figures[0].Err; err != nil {
						b.Fatal(err)
					}
					total += row.Figures[0].Value
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(total/float64(b.N), strings.ReplaceAll(m.Unit, " ", "-"))
		})
	}
}
