package main

import (
	"slices"
	"strings"
	"testing"
)

// Every exit status that a command may have is in the help, and every flag has a text.
func TestHelpIsComplete(t *testing.T) {
	help := run(t, "help")
	for _, s := range exitStatuses {
		contains(t, "help", help.stdout, s.meaning)
	}
	for _, c := range commands() {
		r := run(t, "help", c.name)
		if r.status != exitOK || !strings.HasPrefix(r.stdout, "Usage: syftevent "+c.name) {
			t.Errorf("help %s: exit %d, %s", c.name, r.status, r.stdout)
		}
		for _, f := range flagsOf(c) {
			if f.Usage == "" || !strings.Contains(r.stdout, "  -"+f.Name) {
				t.Errorf("%s: flag -%s is not in the help", c.name, f.Name)
			}
		}
		for line := range strings.Lines(r.stdout) {
			if len(line) > 101 {
				t.Errorf("help %s: long line %q", c.name, line)
			}
		}
	}
	if !slices.Contains(commandNames(), "call") {
		t.Error("no command call")
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"cal": "call", "CALL": "call", "comp": "completion", "wathc": "watch", "x": "", "frobnicate": "", "": ""} {
		if got := nearest(name, commandNames()); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
