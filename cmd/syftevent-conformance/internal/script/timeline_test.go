package script

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFormatEvents(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	const uuid = "338d9f8a-b7da-4f5f-a962-36c762509e45"
	got := FormatEvents([]Event{
		{at(2), Commanded, "server start", -1},
		{at(13), Appeared, "syft.pub.yaml", 262},
		{at(14), Appeared, "echo/canary.c@example.com/1.request", 10},
		{at(15), Appeared, "echo/canary.c@example.com/1.response", 10},
		{at(16), Modified, "echo/canary.c@example.com/1.response", 10},
		{at(17), Appeared, "echo/canary.c@example.com/2.request", 10},
		{at(20), Commanded, "box send hello echo", -1},
		{at(41), Appeared, "echo/client@example.com/" + uuid + ".response", 1},
		{at(1042), Modified, "echo/client@example.com/" + uuid + ".rejected.request", -1},
		{at(12043), Vanished, "echo/client@example.com/short.request", 9},
		{at(12044), Omitted, "at least 7 more events are left out", -1},
	})
	want := []string{
		"  0.002  > server start",
		"  0.013  appear  syft.pub.yaml (262 bytes)",
		"  0.014  canary  2 sent, 1 answered, until 0.017",
		"  0.020  > box send hello echo",
		"  0.041  appear  echo/client@example.com/…62509e45.response (1 byte)",
		"  1.042  modify  echo/client@example.com/…62509e45.rejected.request (no file)",
		" 12.043  vanish  echo/client@example.com/short.request",
		" 12.044  … at least 7 more events are left out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFormatEventsCutsTheMiddle(t *testing.T) {
	var events []Event
	for n := range 100 {
		events = append(events, Event{What: fmt.Sprint(n), Change: Commanded})
	}
	got := FormatEvents(events)
	if len(got) != firstLines+1+lastLines || !strings.HasSuffix(got[firstLines-1], "> 9") ||
		!strings.HasSuffix(got[firstLines], "and 60 more") || !strings.HasSuffix(got[firstLines+1], "> 70") {
		t.Errorf("%q", got)
	}
	// A single line is not worth cutting.
	if got := FormatEvents(events[:firstLines+lastLines+1]); len(got) != firstLines+lastLines+1 || strings.Contains(strings.Join(got, ""), "more") {
		t.Errorf("%q", got)
	}
}
