package report

import (
	"fmt"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// evidence returns the details of a result as lines of text: clauses, failure,
// timeline, files and log.
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
			out.WriteString("The server died or stopped answering, which fails any scenario.\n")
		}
	}
	out.WriteString(block("problem", s.Problem))
	out.WriteString(block("timeline", strings.Join(timeline(s.Events), "\n")))
	out.WriteString(block("files", strings.Join(s.Files, "\n")))
	out.WriteString(block("end of the server's log", s.Stderr))
	return out.String()
}

// knownText compares the result with the list of known failures, in one line. It
// returns "" if the scenario is not in the list.
func (s Scenario) knownText() string {
	switch s.Status() {
	case Known:
		return "known to fail: " + s.Known.Reason
	case Flaky:
		if s.Outcome.runners() == runner.Pass {
			return "flaky, passed: " + s.Known.Reason
		}
		return "flaky, failed: " + s.Known.Reason
	case UnexpectedPass:
		return "known failure passed: remove it from the list, or use -update-known (" + s.Known.Reason + ")"
	}
	return ""
}

// block returns text under a heading, or "" if text is empty.
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
