package main

import "testing"

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, ä 漢 🙂":      "plain text, ä 漢 🙂",
		"\x1b[31m\r\n\t\x00\x7f": `\x1b[31m\x0d\x0a\x09\x00\x7f`,
		"\u009b\u202e\u200b":     `\u009b\u202e\u200b`,
		"\xff\U000e0001":         `\xff\U000e0001`,
		"a\u00a0b":               `a\u00a0b`, // not distinguishable from a space
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	for n, want := range map[int]string{0: "…", 2: "aä…", 3: "aä漢", 4: "aä漢"} {
		if got := printableCut("aä漢", n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
