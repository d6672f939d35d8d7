package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: terminal.NewOutput(&out, terminal.Screen{Live: true}), total: 3}
	p.started("a")
	p.started("b")
	p.started("a") // its second attempt
	p.ended("a", true)
	p.ended("c", false) // it did not start
	p.ended("b", false)
	p.end()
	want := []string{
		"",
		"0 of 3 done, 0 failed; running a",
		"0 of 3 done, 0 failed; running a, b",
		"0 of 3 done, 0 failed; running a, b",
		"1 of 3 done, 1 failed; running b",
		"2 of 3 done, 1 failed; running b",
		"",
	}
	if diff := cmp.Diff(want, strings.Split(out.String(), "\r\x1b[K")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProgressEnds(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: terminal.NewOutput(&out, terminal.Screen{Live: true}), total: 3}
	p.started("a")
	p.end()
	before := out.String()
	p.started("b")
	p.ended("b", false)
	if got := strings.TrimPrefix(out.String(), before); got != "" {
		t.Errorf("written after the end: %q", got)
	}
}

func TestTerminalShowsProgressAndColor(t *testing.T) {
	run := func(args ...string) func(*testing.T, io.Writer) (int, error) {
		return func(t *testing.T, out io.Writer) (int, error) {
			return command(t.Context(), args, strings.NewReader(""), out, out), nil
		}
	}
	for name, start := range map[string]func(*testing.T, io.Writer) (int, error){
		"run":   run("run", "-parallel=1", "publish-beside", "fail-status"),
		"smoke": run("smoke", "-parallel=1", "smoke-echo", "smoke-fail"),
		"mutants": func(t *testing.T, out io.Writer) (int, error) {
			return prove(t.Context(), []string{"own-id"}, mutant.Defects, some(t, "publish-beside", "fail-status"), out)
		},
	} {
		for _, screen := range []terminal.Screen{{}, {Live: true, Color: true}} {
			var out bytes.Buffer
			if status, err := start(t, terminal.NewOutput(&out, screen)); status != exitOK || err != nil {
				t.Errorf("%s: exit %d, %v\n%s", name, status, err, &out)
			}
			if !screen.Live {
				if strings.ContainsAny(out.String(), "\x1b\r") {
					t.Errorf("%s: an escape in a pipe: %q", name, &out)
				}
				continue
			}
			contains(t, name, out.String(), "\r\x1b[K0 of ", "; running ", "\x1b[32m")
			for line := range strings.Lines(out.String()) {
				parts := strings.Split(line, "\r\x1b[K")
				if strings.Contains(parts[len(parts)-1], " done, ") {
					t.Errorf("%s: the progress was not erased: %q", name, line)
				}
			}
		}
	}
}
