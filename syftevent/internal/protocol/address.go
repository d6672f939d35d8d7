package protocol

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addressPattern is the form of a sender's directory: anything that may be an e-mail
// address. It is wider than what peers accept in a URL.
var addressPattern = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)

// SeemsAddress reports whether a directory's name has that form. IsAddress is stricter: it
// reports whether the directory is a sender's.
func SeemsAddress(name string) bool {
	return strings.IndexByte(name, '@') > 0 && addressPattern.MatchString(name)
}

// maxAddress is the length in bytes of the longest e-mail address, from RFC 5321.
const maxAddress = 254

// IsAddress reports whether a name is an e-mail address that a handler may get: all of it
// is visible. A name with a zero-width character could pass for another sender's address.
func IsAddress(name string) bool {
	return len(name) <= maxAddress && utf8.ValidString(name) &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") &&
		!strings.ContainsFunc(name, isUnseen) && SeemsAddress(name)
}

// isUnseen reports whether a character is invisible in an address: a control, a space, a
// formatting character or an unassigned one. The backslash is included because SyftBox
// turns it into a slash.
func isUnseen(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f || r == '\\'
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
