package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func TestDrawCharts(t *testing.T) {
	subjects := []Subject{{Name: "a & b", Command: target.Command{Args: []string{"x"}}}, Bare}
	measured := func(c *curve, size int, values ...float64) Row {
		row := Row{Measure: Measure{curve: c, size: size}}
		for i, v := range values {
			f := Figure{Subject: subjects[i].Name, Value: v}
			if v < 0 {
				f.Err = errors.New("failed")
			}
			row.Figures = append(row.Figures, f)
		}
		return row
	}
	rows := []Row{
		measured(latencyCurve, 20_000, 25, 20), measured(latencyCurve, 0, 0.4, 0.3), measured(latencyCurve, 1000, -1, 0.9),
		measured(nil, 0, 7777, 8888), measured(idleCurve, 100, 1),
	}
	var out strings.Builder
	if err := DrawCharts(&out, subjects, rows); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, out.String())
		}
	}
	for text, count := range map[string]int{
		"a &amp; b: 25.0 ms": 1, "bare loop: 0.90 ms": 1, "<circle": 2 + 3 + 2, "20,000</text>": 1, "7777": 0, "NaN": 0, "Inf": 0,
		idleCurve.title: 0, "prefers-color-scheme: dark": 1,
	} {
		if got := strings.Count(out.String(), text); got != count {
			t.Errorf("%q is there %d times, want %d:\n%s", text, got, count, out.String())
		}
	}
	if err := DrawCharts(io.Discard, subjects, rows[3:]); err == nil {
		t.Error("no error without a curve")
	}
}
