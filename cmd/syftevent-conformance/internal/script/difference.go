package script

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// longestWhole is the size in bytes of the largest content that is shown whole.
	longestWhole = 60
	// contextBefore and contextAfter are the numbers of bytes of a larger content that are
	// shown before and after the first difference.
	contextBefore = 24
	contextAfter  = 36
)

// difference describes the content that a failure expected and the one that it got. The
// label is the word before each. A large content is shown around the first difference, and
// a binary one in hexadecimal:
//
//	body … "slowly but surely, and" … (300000 bytes)
//	body … "slowly but sorely, and" (2200 bytes)
//	                    ^ first difference, after 1999 bytes
func difference(label string, want, got []byte) (expected, actual string) {
	same := commonPrefix(want, got)
	e := extract{to: max(len(want), len(got))}
	if e.to > longestWhole {
		e.from, e.to = max(0, same-contextBefore), same+contextAfter
		for e.from > 0 && !utf8.RuneStart(want[e.from]) {
			e.from--
		}
	}
	e.binary = isBinary(e.of(want)) || isBinary(e.of(got))
	e.ascii = hasMarks(e.of(want)) || hasMarks(e.of(got))
	expected, actual = label+e.show(want), label+e.show(got)
	if same == len(want) && same == len(got) {
		return expected, actual
	}
	where := fmt.Sprintf("after %d bytes", same)
	if lines := strings.Count(string(want[:same]), "\n"); lines > 0 && !e.binary {
		where += fmt.Sprintf(", in line %d", lines+1)
	}
	indent := utf8.RuneCountInString(label + e.begin() + e.encodeBefore(want[e.from:same]))
	return expected, actual + "\n" + strings.Repeat(" ", indent) + "^ first difference, " + where
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// An extract is a range of bytes in each of two contents, and how it is shown.
type extract struct {
	from, to int
	binary   bool // in hexadecimal
	ascii    bool // with escapes for all other characters
}

// of returns the bytes of a content. It completes the last character.
func (e extract) of(content []byte) []byte {
	to := min(e.to, len(content))
	for to < len(content) && !utf8.RuneStart(content[to]) {
		to++
	}
	return content[min(e.from, to):to]
}

// show returns the bytes of a content, and its size.
func (e extract) show(content []byte) string {
	text := e.begin() + e.encode(e.of(content))
	if !e.binary {
		text += `"`
	}
	if e.from+len(e.of(content)) < len(content) {
		text += " …"
	}
	if len(content) == 1 {
		return text + " (1 byte)"
	}
	return fmt.Sprintf("%s (%d bytes)", text, len(content))
}

// begin returns what precedes the bytes.
func (e extract) begin() string {
	begin := `"`
	if e.binary {
		begin = "hex "
	}
	if e.from > 0 {
		return "… " + begin
	}
	return begin
}

func (e extract) encode(content []byte) string {
	switch {
	case e.binary:
		return fmt.Sprintf("% x", content)
	case e.ascii:
		quoted := strconv.QuoteToASCII(string(content))
		return quoted[1 : len(quoted)-1]
	}
	quoted := strconv.Quote(string(content))
	return quoted[1 : len(quoted)-1]
}

// encodeBefore encodes what precedes a byte, without a part of a character.
func (e extract) encodeBefore(content []byte) string {
	if e.binary && len(content) > 0 {
		return e.encode(content) + " "
	}
	for !e.binary && !utf8.Valid(content) {
		content = content[:len(content)-1]
	}
	return e.encode(content)
}

// isBinary reports whether bytes are not UTF-8, or contain control characters other than
// white space.
func isBinary(content []byte) bool {
	control := func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }
	return !utf8.Valid(content) || strings.ContainsFunc(string(content), control)
}

// hasMarks reports whether a text contains combining characters. With them, different
// texts look the same.
func hasMarks(content []byte) bool { return strings.ContainsFunc(string(content), unicode.IsMark) }
