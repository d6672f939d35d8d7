package script

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// handlers are the handlers of /record and /slow, which append the ids of their requests
// to the record file.
type handlers struct {
	*requests
	mayRepeat map[string]bool // stems of requests that the script lets run more than once
}

// runs returns how often a handler ran each request, by id.
func (h *handlers) runs() (map[string]int, error) {
	data, err := readFile(h.recordPath())
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	runs := map[string]int{}
	for line := range strings.Lines(string(data)) {
		runs[strings.TrimSpace(line)]++
	}
	return runs, nil
}

func (h *handlers) commandRunning(ts *testscript.TestScript, args []string) error {
	call, err := h.onlyCall(args)
	if err != nil {
		return err
	}
	return h.wait(h.answerWithin(), fmt.Sprintf("a handler runs request %q", call.Name), func() (bool, string, error) {
		runs, err := h.runs()
		return runs[call.Stem] > 0, "none did", err
	})
}

func (h *handlers) commandRan(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	number, orMore := strings.CutSuffix(args[1], "+")
	want, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	if err := h.started(); err != nil {
		return err
	}
	var stems []string
	for _, sent := range h.bursts[args[0]] {
		stems = append(stems, sent.stem)
	}
	if stems == nil {
		call, err := h.call(args[0])
		if err != nil {
			return err
		}
		stems = []string{call.Stem}
	}
	got, err := h.runs()
	if err != nil {
		return err
	}
	for _, stem := range stems {
		if want > 1 || orMore {
			h.mayRepeat[stem] = true
		}
		if got[stem] < want || got[stem] > want && !orMore {
			expected := times(want)
			if orMore {
				expected = "at least " + expected
			}
			return &mismatch{fmt.Sprintf("request %q was run %s", args[0], expected), fmt.Sprintf("%s was run %s", stem, times(got[stem])), false}
		}
	}
	return nil
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (h *handlers) commandUnrun(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	runs, err := h.runs()
	if err == nil && len(runs) > 0 {
		return &mismatch{"no request is run", "these were run: " + strings.Join(slices.Sorted(maps.Keys(runs)), ", "), false}
	}
	return err
}
