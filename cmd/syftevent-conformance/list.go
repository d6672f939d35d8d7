package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// list prints a line for each scenario.
func list(args []string, stdout io.Writer) error {
	if err := noArguments("list", args); err != nil {
		return err
	}
	scenarios, err := scenario.All()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLEVEL\tCLASS\tFEATURE\tSUMMARY")
	for _, s := range scenarios {
		feature := s.Feature
		if feature == "" {
			feature = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Level(), s.Class(), feature, s.Summary)
	}
	return w.Flush()
}
