package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestHelpListsCommandsAndExitStatuses(t *testing.T) {
	_, want, _ := judge(t, "help")
	for _, c := range commands() {
		if listed := strings.Contains(want, "\n  "+c.name+" "); listed == c.hidden {
			t.Errorf("%s: listed %v, want %v\n%s", c.name, listed, !c.hidden, want)
		}
	}
	for _, s := range exitStatuses {
		contains(t, "help", want, fmt.Sprintf("\n  %d  %s\n", s.status, s.meaning))
	}
	for _, flag := range []string{"-h", "-help", "--help"} {
		if status, stdout, _ := judge(t, flag); status != exitOK || stdout != want {
			t.Errorf("%s: exit %d\n%s", flag, status, stdout)
		}
	}
}

func TestCommandHelp(t *testing.T) {
	for _, c := range commands() {
		status, want, _ := judge(t, "help", c.name)
		if status != exitOK || !strings.HasPrefix(want, "Usage: syftevent-conformance "+c.name) {
			t.Errorf("help %s: exit %d\n%s", c.name, status, want)
		}
		if status, stdout, stderr := judge(t, c.name, "-h"); status != exitOK || stdout != want {
			t.Errorf("%s -h: exit %d\n%s%s", c.name, status, stdout, stderr)
		}
	}
	_, stdout, _ := judge(t, "help", "run")
	contains(t, "help run", stdout, "-ready-timeout DURATION ", "(default 30s)", "-junit FILE ", "(default websocket)")
}

func TestFlagsHaveUsage(t *testing.T) {
	for _, c := range commands() {
		var out strings.Builder
		printCommandHelp(&out, c)
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "  -") && !strings.Contains(strings.TrimSpace(line), "  ") {
				t.Errorf("%s: no usage: %s", c.name, line)
			}
		}
	}
}
