package report

import (
	"fmt"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// evidence is all that helps to understand a result, as lines of text: the clauses,
// what was expected, what came, and the traces that the scenario has left.
func (s Scenario) evidence() string {
	var out strings.Builder
	for _, r := range s.Requirements {
		fmt.Fprintf(&out, "SPEC.md [%s] %s\n", r.ID, r.Text)
	}
	if f := s.Failure; f != nil {
		for _, line := range [][2]string{{"at:", f.At}, {"expected:", f.Expected}, {"actual:", f.Actual}} {
			fmt.Fprintf(&out, "%-10s %s\n", line[0], strings.ReplaceAll(line[1], "\n", "\n           "))
		}
		if f.Dead && s.Level != spec.Must {
			out.WriteString("The server has ended, or answers nobody any more: that fails whatever the scenario is about.\n")
		}
	}
	out.WriteString(block("problem", s.Problem))
	out.WriteString(block("timeline", strings.Join(timeline(s.Events), "\n")))
	out.WriteString(block("files", strings.Join(s.Files, "\n")))
	out.WriteString(block("end of the server's log", s.Stderr))
	return out.String()
}

// knownText says in one line what is known of a scenario, and what follows from
// what became of it. It is "" if nothing is known.
func (s Scenario) knownText() string {
	switch s.Status() {
	case Known:
		return "known to fail: " + s.Known.Reason
	case Flaky:
		if s.Outcome.runners() == runner.Pass {
			return "flaky, has passed: " + s.Known.Reason
		}
		return "flaky, has failed: " + s.Known.Reason
	case UnexpectedPass:
		return "listed as known to fail, but passes: remove it from the list, or -update-known does (" + s.Known.Reason + ")"
	}
	return ""
}

// block is a text of any number of lines under a heading, and "" if there is none.
func block(heading, text string) string {
	text = strings.Trim(text, "\n")
	switch {
	case text == "":
		return ""
	case !strings.Contains(text, "\n"):
		return fmt.Sprintf("%s: %s\n", heading, text)
	}
	return fmt.Sprintf("%s:\n    %s\n", heading, strings.ReplaceAll(text, "\n", "\n    "))
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
