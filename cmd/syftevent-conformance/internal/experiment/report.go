package experiment

import (
	"fmt"
	"io"
	"slices"
)

// WriteTable writes the results as a Markdown table with a row for each experiment.
func WriteTable(w io.Writer, on []string, results []Result, list []Difference) error {
	if _, err := fmt.Fprint(w, "| experiment | what must be seen |"); err != nil {
		return err
	}
	for _, kind := range on {
		fmt.Fprintf(w, " %s |", kind)
	}
	fmt.Fprint(w, " verdict |\n|---|---|")
	for range on {
		fmt.Fprint(w, "---|")
	}
	fmt.Fprintln(w, "---|")
	for _, e := range Table() {
		row := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Experiment.Name != e.Name })
		if len(row) == 0 {
			continue
		}
		fmt.Fprintf(w, "| %s | %s |", e.Name, e.Want)
		for _, kind := range on {
			i := slices.IndexFunc(row, func(r Result) bool { return r.Network == kind })
			if i < 0 {
				fmt.Fprint(w, " |")
				continue
			}
			fmt.Fprintf(w, " %s |", row[i].cell())
		}
		if _, err := fmt.Fprintf(w, " %s |\n", verdict(row, list)); err != nil {
			return err
		}
	}
	return nil
}

// cell returns the text of a table cell: the observation, and the error if any.
func (r Result) cell() string {
	text := r.Seen
	if r.Attempt > 1 {
		text = fmt.Sprintf("attempt %d: %s", r.Attempt, text)
	}
	if r.Err != nil {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("%s: %v", r.Verdict, r.Err)
	}
	const maxLength = 400
	if text = oneLine(text); len(text) > maxLength {
		text = text[:maxLength] + "…"
	}
	return text
}

// verdict returns the verdict over a row.
func verdict(row []Result, list []Difference) string {
	total := "ok"
	for _, r := range row {
		_, listed := known(list, r)
		switch {
		case r.Verdict == Agrees && !listed:
		case r.Verdict == Agrees:
			return "NO LONGER DIFFERS"
		case listed:
			total = "listed"
		case r.Verdict == Failed:
			return "COULD NOT TEST"
		case r.Experiment.Library:
			return "FAIL"
		default:
			return "DIFFERS"
		}
	}
	return total
}
