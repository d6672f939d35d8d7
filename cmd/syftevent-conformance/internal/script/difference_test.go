package script

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifference(t *testing.T) {
	digits := strings.Repeat("0123456789", 100)
	for name, test := range map[string]struct{ want, got, shown string }{
		"short": {"all of it", "all of id", `
body "all of it" (9 bytes)
body "all of id" (9 bytes)
              ^ first difference, after 8 bytes`},
		"shorter": {"all of it", "all", `
body "all of it" (9 bytes)
body "all" (3 bytes)
         ^ first difference, after 3 bytes`},
		"empty": {"a", "", `
body "a" (1 byte)
body "" (0 bytes)
      ^ first difference, after 0 bytes`},
		"the same": {"a", "a", `
body "a" (1 byte)
body "a" (1 byte)`},
		"large, at the beginning": {digits, "x" + digits[1:], `
body "012345678901234567890123456789012345" … (1000 bytes)
body "x12345678901234567890123456789012345" … (1000 bytes)
      ^ first difference, after 0 bytes`},
		"large, in the middle": {digits, digits[:500] + "x" + digits[501:], `
body … "678901234567890123456789012345678901234567890123456789012345" … (1000 bytes)
body … "678901234567890123456789x12345678901234567890123456789012345" … (1000 bytes)
                                ^ first difference, after 500 bytes`},
		"large, cut": {digits, digits[:500], `
body … "678901234567890123456789012345678901234567890123456789012345" … (1000 bytes)
body … "678901234567890123456789" (500 bytes)
                                ^ first difference, after 500 bytes`},
		"binary": {"\x80\x81\xff", "\x80\x81\xfe\x00", `
body hex 80 81 ff (3 bytes)
body hex 80 81 fe 00 (4 bytes)
               ^ first difference, after 2 bytes`},
		"binary on one side": {"é", "\xef\xbf", `
body hex c3 a9 (2 bytes)
body hex ef bf (2 bytes)
         ^ first difference, after 0 bytes`},
		"binary on the other side": {"\xef\xbf", "é", `
body hex ef bf (2 bytes)
body hex c3 a9 (2 bytes)
         ^ first difference, after 0 bytes`},
		"characters of several bytes": {strings.Repeat("é", 50) + "a", strings.Repeat("é", 50) + "b", `
body … "` + strings.Repeat("é", 12) + `a" (101 bytes)
body … "` + strings.Repeat("é", 12) + `b" (101 bytes)
                    ^ first difference, after 100 bytes`},
		"in a character": {"éé", "éè", `
body "éé" (4 bytes)
body "éè" (4 bytes)
       ^ first difference, after 3 bytes`},
		"cut in a character": {"a" + strings.Repeat("é", 50), "b" + strings.Repeat("é", 50), `
body "a` + strings.Repeat("é", 18) + `" … (101 bytes)
body "b` + strings.Repeat("é", 18) + `" … (101 bytes)
      ^ first difference, after 0 bytes`},
		"composed": {"e\u0301", "é", `
body "e\u0301" (3 bytes)
body "\u00e9" (2 bytes)
      ^ first difference, after 0 bytes`},
		"lines": {"one\ntwo\nthree", "one\r\ntwo", `
body "one\ntwo\nthree" (13 bytes)
body "one\r\ntwo" (8 bytes)
         ^ first difference, after 3 bytes`},
		"a later line": {"one\ntwo", "one\nthree", `
body "one\ntwo" (7 bytes)
body "one\nthree" (9 bytes)
            ^ first difference, after 5 bytes, in line 2`},
	} {
		expected, actual := difference("body ", []byte(test.want), []byte(test.got))
		if diff := cmp.Diff(strings.TrimPrefix(test.shown, "\n"), expected+"\n"+actual); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
