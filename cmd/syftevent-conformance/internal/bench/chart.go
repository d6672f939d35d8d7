package bench

import (
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
)

// A curve is a quantity that several measures take at different sizes.
type curve struct{ title, size, unit string }

var (
	latencyCurve = &curve{"Median time to the response, by the answered pairs in the folder", "pairs", "ms"}
	idleCurve    = &curve{"Processor time when idle, by the number of folders", "folders", "% of a core"}
)

// The size of a chart, and of the space for its curves, in pixels.
const (
	chartWidth, chartHeight             = 720, 320
	plotLeft, plotTop, plotRight, plotY = 64, 56, 540, 270
)

// errNoCurve means that there is nothing to draw.
var errNoCurve = errors.New("nothing to draw: take at least two measures of one curve, such as latency and latency-1000")

// CheckCurves returns an error if the measures have no curve that DrawCharts could draw.
func CheckCurves(measures []Measure) error {
	points := map[*curve]int{}
	for _, m := range measures {
		if m.curve != nil {
			if points[m.curve]++; points[m.curve] == 2 {
				return nil
			}
		}
	}
	return errNoCurve
}

// DrawCharts writes the curves of the rows as an SVG picture, one chart below the other. Its
// colors suit light and dark pages. Rows that belong to no curve are left out. It returns an
// error if no curve has two rows, or if writing fails.
func DrawCharts(out io.Writer, subjects []Subject, rows []Row) error {
	var body strings.Builder
	height := 0
	for _, c := range []*curve{latencyCurve, idleCurve} {
		var points []Row
		for _, row := range rows {
			if row.Measure.curve == c {
				points = append(points, row)
			}
		}
		if len(points) < 2 {
			continue
		}
		slices.SortFunc(points, func(a, b Row) int { return a.Measure.size - b.Measure.size })
		fmt.Fprintf(&body, "<g transform=\"translate(0 %d)\">\n", height)
		c.draw(&body, subjects, points)
		body.WriteString("</g>\n")
		height += chartHeight
	}
	if height == 0 {
		return errNoCurve
	}
	_, err := fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">
<style>
text { font: 12px sans-serif; fill: #24292f; }
.title { font-size: 14px; font-weight: bold; }
.grid { stroke: #8c959f; stroke-opacity: 0.3; }
.s0 { --c: #0969da; } .s1 { --c: #bf3989; } .s2 { --c: #6e7781; } .s3 { --c: #1a7f37; }
path { fill: none; stroke: var(--c); stroke-width: 2; }
circle { fill: var(--c); }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.s0 { --c: #58a6ff; } .s1 { --c: #f778ba; } .s2 { --c: #9198a1; } .s3 { --c: #3fb950; }
}
</style>
%s</svg>
`, chartWidth, height, chartWidth, height, body.String())
	return err
}

// draw draws one chart. Sizes are at equal distances, and values on a logarithmic axis.
func (c *curve) draw(out *strings.Builder, subjects []Subject, rows []Row) {
	low, high := math.Inf(1), 0.0
	for _, row := range rows {
		for _, f := range row.Figures {
			if f.Err == nil && f.Value > 0 {
				low, high = min(low, f.Value), max(high, f.Value)
			}
		}
	}
	if high == 0 {
		low, high = 1, 1
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high*1.001))
	x := func(n int) float64 {
		return plotLeft + (plotRight-plotLeft)*(float64(n)+0.5)/float64(len(rows))
	}
	y := func(value float64) float64 {
		return plotY - (plotY-plotTop)*(math.Log10(value)-from)/(to-from)
	}
	text := func(class, anchor string, x, y float64, content string) {
		fmt.Fprintf(out, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, anchor, x, y, html.EscapeString(content))
	}
	text("title", "start", 8, 22, c.title)
	text("", "start", 8, 42, c.unit)
	for decade := from; decade <= to; decade++ {
		for _, digit := range []float64{1, 2, 5} {
			value := digit * math.Pow(10, decade)
			if decade == to && digit > 1 {
				break
			}
			fmt.Fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", plotLeft, y(value), plotRight)
			text("", "end", plotLeft-8, y(value)+4, strings.TrimSuffix(fmt.Sprintf("%g", value), ".0"))
		}
	}
	for n, row := range rows {
		text("", "middle", x(n), plotY+20, thousands(row.Measure.size))
	}
	text("", "end", plotRight, plotY+38, c.size)
	for s, subject := range subjects {
		var path strings.Builder
		var dots []string
		for n, row := range rows {
			f := row.figure(subject.Name)
			if f == nil || f.Err != nil || f.Value <= 0 {
				continue
			}
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(path.Len(), 1)], x(n), y(f.Value))
			dots = append(dots, fmt.Sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>%s: %s %s</title></circle>",
				x(n), y(f.Value), html.EscapeString(subject.Name), number(f.Value), html.EscapeString(c.unit)))
		}
		if path.Len() == 0 {
			continue
		}
		top := float64(plotTop + 20*s)
		fmt.Fprintf(out, "<g class=\"s%d\">\n<path d=\"%s\"/>\n%s\n<circle cx=\"%d\" cy=\"%.1f\" r=\"4\"/>\n</g>\n",
			s%4, path.String(), strings.Join(dots, "\n"), plotRight+20, top)
		text("", "start", plotRight+32, top+4, subject.Name)
	}
}

// thousands formats a number with separators.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
