package cmdline

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

func TestParsesFlagsAndWordsInAnyOrder(t *testing.T) {
	for args, want := range map[string]struct {
		words []string
		n     int
		err   string
	}{
		"a -n 3 b":   {words: []string{"a", "b"}, n: 3},
		"-n=4 -- -n": {words: []string{"-n"}, n: 4},
		"a -- b -x":  {words: []string{"a", "b", "-x"}},
		"-":          {words: []string{"-"}},
		"":           {},
		"-h a":       {err: "help requested"},
		"-m":         {err: "flag provided but not defined: -m"},
		"-n x":       {err: `invalid value "x" for flag -n`},
	} {
		var n int
		flags := NewFlags("test", func(f *flag.FlagSet) { f.IntVar(&n, "n", 0, "the `NUMBER`") })
		words, err := Parse(flags, strings.Fields(args))
		switch {
		case want.err != "":
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%q: error %v, want %q", args, err, want.err)
			}
		case err != nil || !slices.Equal(words, want.words) || n != want.n:
			t.Errorf("%q: %q, %d, %v, want %q, %d", args, words, n, err, want.words, want.n)
		}
	}
}
