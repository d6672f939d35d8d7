package mutant

import (
	"strings"
	"unicode"
)

// maxAddress is the longest address of a sender in bytes.
const maxAddress = 254

// isAddress reports whether a name is the address of a sender (SPEC.md, Appendix C).
func (d defect) isAddress(name string) bool {
	if !addressForm.MatchString(name) {
		return false
	}
	return d.has("invisible-senders") ||
		len(name) <= maxAddress && strings.Trim(name, ".") == name && !strings.ContainsFunc(name, isInvisible)
}

// isInvisible reports whether a character has no place in an address: a control, format,
// private, unassigned or ignorable one.
func isInvisible(r rune) bool {
	visible := unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S)
	return !visible || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
