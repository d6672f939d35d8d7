package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable escapes the characters of a text that a terminal does not print: others wrote it, and
// could move the cursor, hide text or end a line. That includes characters that change the
// direction of text.
func printable(s string) string {
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, s[0])
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
		s = s[size:]
	}
	return out.String()
}

// printableCut is printable for at most n characters of a text, and marks that the rest is missing.
func printableCut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return printable(s[:i]) + "…"
		}
		n--
	}
	return printable(s)
}

// printableLines is printable for a text of several lines, which it keeps.
func printableLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// writeJSON writes a value as a line of JSON in which all characters are printable.
func writeJSON(w io.Writer, v any) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range encoded.String() {
		switch {
		case unicode.IsPrint(r) || r == '\n':
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
