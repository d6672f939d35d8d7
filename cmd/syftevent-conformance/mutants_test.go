package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// prove runs scenarios against the defects of a table.
func prove(ctx context.Context, args []string, table []mutant.Defect, scenarios []scenario.Scenario, out io.Writer) (int, error) {
	f, err := parseMutants(args)
	if err != nil {
		return 0, err
	}
	return f.prove(ctx, table, scenarios, out)
}

// proveWith runs prove with the given defects and scenarios.
func proveWith(t *testing.T, table []mutant.Defect, scenarios []scenario.Scenario, args ...string) (status int, stdout string) {
	t.Helper()
	var out bytes.Buffer
	status, err := prove(t.Context(), args, table, scenarios, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return status, out.String()
}

// some returns the scenarios with the given ids.
func some(t *testing.T, ids ...string) []scenario.Scenario {
	t.Helper()
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(s scenario.Scenario) bool { return !slices.Contains(ids, s.ID) })
}

func TestListsUnprovenRequirements(t *testing.T) {
	var out bytes.Buffer
	printUnproven(&out, target.Server, mutant.Defects)
	if want := "unproven: older-move (MAY, core): no defect violates it\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestCatchesMutants(t *testing.T) {
	scenarios := some(t, "publish-beside", "envelope-url", "fail-status", "fail-text", "identity-refuse")
	status, stdout := proveWith(t, mutant.Defects, scenarios, "-all", "own-id", "-v", "fail-200", "mute-sender")
	if status != exitOK {
		t.Fatalf("exit %d\n%s", status, stdout)
	}
	contains(t, "output", stdout,
		"5 scenarios against the server without a defect\n",
		"1/3  caught          mute-sender         by identity-refuse\n",
		"2/3  caught          own-id              by publish-beside\n",
		"3/3  caught          fail-200            by fail-status, fail-text\n",
		"expected:  status 403",
		"3 of 3 defects caught")
}

func TestRejectsWrongTableOfMutants(t *testing.T) {
	scenarios := some(t, "publish-beside", "fail-status", "fail-text", "envelope-url")
	tests := []struct {
		defect  mutant.Defect
		verdict string
		says    string
	}{
		{mutant.Defect{Name: "own-id", Breaks: []string{"publish-beside", "fail-text"}}, "ESCAPED", "by publish-beside; passes: fail-text"},
		{mutant.Defect{Name: mutant.None, Breaks: []string{"publish-beside"}}, "ESCAPED", "passes: publish-beside"},
		{mutant.Defect{Name: "fail-200", Breaks: []string{"fail-text"}}, "WRONG", "by fail-text; also breaks fail-status"},
		{mutant.Defect{Name: "own-url", Breaks: []string{"publish-tidy"}}, "WRONG", "also breaks envelope-url"},
	}
	for _, test := range tests {
		status, stdout := proveWith(t, []mutant.Defect{test.defect}, scenarios, "-all")
		if status != exitUnexpected {
			t.Errorf("%s: exit %d, want %d", test.defect.Name, status, exitUnexpected)
		}
		contains(t, test.defect.Name, stdout, "1/1  "+test.verdict+" ", test.says+"\n", "0 of 1 defects caught")
	}
}

// Without -all, only listed and vital scenarios run.
func TestMutantsWithoutAll(t *testing.T) {
	table := []mutant.Defect{{Name: "fail-200", Breaks: []string{"fail-status"}}}
	status, stdout := proveWith(t, table, some(t, "fail-status", "fail-text"))
	if status != exitOK {
		t.Errorf("exit %d\n%s", status, stdout)
	}
	table[0] = mutant.Defect{Name: "fail-200", Breaks: []string{"fail-text"}}
	status, stdout = proveWith(t, table, some(t, "fail-status", "fail-text"))
	if status != exitUnexpected {
		t.Errorf("exit %d\n%s", status, stdout)
	}
}

// A scenario that fails without a defect proves nothing.
func TestMutantsStopIfControlFails(t *testing.T) {
	made := func(script string) []scenario.Scenario {
		covers := []spec.Requirement{{ID: "x", Level: spec.Must, Class: "core"}}
		return append(some(t, "layout-keep"), scenario.Scenario{ID: "made", Covers: covers, Script: []byte(script)})
	}
	status, stdout := proveWith(t, mutant.Defects, made("server start\nbox send a echo\nexpect a status 404\n"), "no-keep")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d", status, exitUnexpected)
	}
	contains(t, "output", stdout, "WRONG: made fails without a defect", "expected:  status 404")
	status, stdout = proveWith(t, mutant.Defects, made("frobnicate\n"), "no-keep")
	if status != exitCouldNotTest {
		t.Errorf("exit %d, want %d", status, exitCouldNotTest)
	}
	contains(t, "output", stdout, "COULD NOT TEST: made without a defect", "unknown command")
	if strings.Contains(stdout, "no-keep") {
		t.Errorf("the proof continued:\n%s", stdout)
	}
}

func TestMutantsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &trigger{text: "without a defect", fire: cancel}
	if status, err := prove(ctx, nil, mutant.Defects, some(t, "layout-keep"), out); err != errInterrupted {
		t.Errorf("exit %d, %v\n%s", status, err, out.String())
	}
}

func TestMutantsUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"no-such-defect"}, {"half", "-"}, {"-no-such-flag"}, {"-parallel", "0"}, {"-timescale", "0"}, {"-timescale", "2"}, {"-timescale", "x"}, {"-blind", "half"},
	} {
		status, stdout, stderr := judge(t, append([]string{"mutants"}, args...)...)
		if status != exitUsage || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit %d, want %d and one line of error\n%s%s", args, status, exitUsage, stdout, stderr)
		}
	}
}

func TestSoaksSampleOfDefects(t *testing.T) {
	table := []mutant.Defect{{Name: "a"}, {Name: "b", Soak: true}, {Name: "c", Soak: true}, {Name: "d", Soak: true}}
	for args, want := range map[string]int{"": 4, "-sample 0": 1, "-sample 2": 3, "-sample 9": 4, "-soak 0": 1, "-soak 0 -sample 2": 1} {
		f, err := parseMutants(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		got := f.soaked(table)
		if len(got) != want || got[0].Name != "a" {
			t.Errorf("mutants %s: %d defects, want %d: %v", args, len(got), want, got)
		}
	}
}
