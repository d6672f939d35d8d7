package report

import (
	"fmt"
	"io"
)

// Badge writes the verdict as an SVG image for a README: the version of SPEC.md on the left, the
// verdict on the right, and the counts as a tooltip. Its text is fixed or a number, so nothing in it
// needs escaping.
func (d *Document) Badge(w io.Writer) error {
	label, verdict := "SyftBox RPC "+d.SpecVersion, string(d.Verdict)
	if d.Verdict == Partial {
		verdict = fmt.Sprintf("%s %d/%d", d.Verdict, d.Counts.RequiredPassed, d.Counts.Required)
	}
	color := map[Verdict]string{Conformant: "#2c7a3f", Partial: "#8f6a00", NonConformant: "#b3261e"}[d.Verdict]
	left, right := badgeWidth(label), badgeWidth(verdict)
	_, err := fmt.Fprintf(w, badge, label, verdict, d.Counts, left, right, left+right, color, left/2, left+right/2, left-badgePadding, right-badgePadding)
	return err
}

const (
	badgePadding = 12 // pixels beside a text, both sides together
	glyphWidth   = 7  // pixels; textLength makes every font fit
)

// badgeWidth returns the width of a half of the badge, in pixels.
func badgeWidth(text string) int { return len(text)*glyphWidth + badgePadding }

// badge takes the label, the verdict, the counts, the widths of the halves and their sum, the color,
// the centers of the halves, and the widths of their texts.
const badge = `<svg xmlns="http://www.w3.org/2000/svg" width="%[6]d" height="20" role="img" aria-label="%[1]s: %[2]s">
<title>%[1]s: %[2]s (%[3]v)</title>
<rect width="%[4]d" height="20" fill="#444"/>
<rect x="%[4]d" width="%[5]d" height="20" fill="%[7]s"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="%[8]d" y="14" textLength="%[10]d">%[1]s</text>
<text x="%[9]d" y="14" textLength="%[11]d">%[2]s</text>
</g>
</svg>
`
