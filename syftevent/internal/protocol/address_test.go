package protocol

import (
	"strings"
	"testing"
)

// Names that look like another, or like none, must not reach a handler.
func TestAddresses(t *testing.T) {
	good := []string{
		"alice@example.com", "a@b.c", "a+b@ex-ample.co.uk", "a.b@c.d.e", "o'hara@example.com", "{x}@example.com",
		"käthe@exämple.de", "ка́тя@пример.рф", "山田@例え.jp", "😀@example.com", strings.Repeat("a", 242) + "@example.com",
	}
	bad := []string{
		"", "alice", "@", "a@b", "@b.c", "a@.c", "a@b.", "a@b@c.d", "a/b@c.d", `a\b@c.d`, ".a@b.c", "a@b.c.", "a@b..",
		"a b@c.d", "a@b.c ", "a\u00a0b@c.d", "a\u2003b@c.d", "a\u3000b@c.d", "a\u2028b@c.d", "a\tb@c.d", "a\nb@c.d",
		"a\x00b@c.d", "a\x1bb@c.d", "a\x7fb@c.d", "a\u0085b@c.d", "a\u009fb@c.d", "a\u00adb@c.d",
		"a\xffb@c.d", "a\ue000b@c.d", "a\U000e0041b@c.d", "a\u0378b@c.d", "a\U0010ffffb@c.d",
		"a\u034fb@c.d", "a\u115fb@c.d", "a\u3164b@c.d", "a\uffa0b@c.d", "a\ufe0fb@c.d", "a\U000e0100b@c.d",
		strings.Repeat("a", 243) + "@example.com",
	}
	for _, span := range [][2]rune{{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2069}, {0xfeff, 0xfeff}, {0x80, 0xa0}, {0, 0x20}} {
		for r := span[0]; r <= span[1]; r++ {
			bad = append(bad, "alice"+string(r)+"@example.com", "alice@example.com"+string(r), string(r)+"alice@example.com")
		}
	}
	for _, name := range good {
		if !IsAddress(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range bad {
		if IsAddress(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}
