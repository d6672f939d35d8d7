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
		contains(t, "help", want, fmt.Sprintf("\n  %-3d  %s\n", s.status, s.meaning))
	}
	for _, flag := range []string{"-h", "-help", "--help"} {
		if status, stdout, _ := judge(t, flag); status != exitOK || stdout != want {
			t.Errorf("%s: exit %d\n%s", flag, status, stdout)
		}
	}
}

func TestHelpPrintsWorkflow(t *testing.T) {
	status, stdout, _ := judge(t, "help", "ci")
	if status != exitOK {
		t.Errorf("exit %d\n%s", status, stdout)
	}
	contains(t, "help ci", stdout, "\non:\n", "    runs-on: ", "        run: go install "+module+"/cmd/"+program+"@latest\n",
		"-junit conformance.xml", `-md "$GITHUB_STEP_SUMMARY"`, "          path: conformance.xml\n")
	if strings.Contains(stdout, "\t") {
		t.Error("YAML forbids tabs")
	}
	_, stdout, _ = judge(t, "help")
	contains(t, "help", stdout, "'syftevent-conformance help ci' prints a GitHub workflow to copy.\n")

	// The workflow uses flags that exist.
	_, line, _ := strings.Cut(workflow, "          syftevent-conformance run ")
	line, _, _ = strings.Cut(line, " # ")
	if _, err := parseRun(strings.Fields(strings.ReplaceAll(line, "\\\n", ""))); err != nil {
		t.Errorf("%q: %v", line, err)
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
