package main

import (
	"strings"
	"testing"
)

// A body is copied in pieces, which may end inside a character.
func TestErrorTextEscapesPieces(t *testing.T) {
	const body = "a\x1b ä漢🙂\n\u009b\xff\xe6\xbc"
	for size := 1; size <= len(body); size++ {
		var out strings.Builder
		text := &errorText{w: &out, escape: true}
		for rest := body; rest != ""; rest = rest[min(size, len(rest)):] {
			if n, err := text.Write([]byte(rest[:min(size, len(rest))])); err != nil || n != min(size, len(rest)) {
				t.Fatalf("%d bytes: wrote %d, %v", size, n, err)
			}
		}
		text.endLine()
		if want := `a\x1b ä漢🙂` + "\n" + `\u009b\xff\xe6\xbc` + "\n"; out.String() != want {
			t.Errorf("%d bytes: got %q, want %q", size, out.String(), want)
		}
	}
}
