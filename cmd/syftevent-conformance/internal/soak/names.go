package soak

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/fakebox"
)

// Parts of addresses. Windows has no file names with some of the characters.
var (
	locals = []string{"ann", "Bob", "c.d", "e+f", "g_h", "o'neil", "%41", "Ängström", "e\u0301mile", "李雷", "x-1", "{y}", "tom&co", "a=b", "$HOME", "#1", "~z"}
	wild   = []string{"[x]", "*", "q?", "[!a-z]*", "a|b", "<c>"}
	hosts  = []string{"example.com", "Example.COM", "mail.example.co.uk", "sub-domain.example.org", "x.photography", "bücher.example", "a.b1"}
)

// Alphabets of texts. A line of a script holds no line end.
var alphabets = [][]rune{
	[]rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
	[]rune(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
	[]rune("éüßøñŁ€"),               // composed
	[]rune("e\u0301u\u0308n\u0303"), // decomposed
	[]rune("中文字符日本語한국어"),
	[]rune("😀👩\u200d🔬🇪🇺𝄞"),     // beyond U+FFFF
	[]rune("אבגد\u202e\u200f"), // right to left
	[]rune("\u00a0\u2028\u2029\ufeff\u0001\t\u007f\ufffd"),
}

// text returns up to n characters.
func text(r *rand.Rand, n int) string {
	var out strings.Builder
	for range r.IntN(n + 1) {
		alphabet := alphabets[r.IntN(len(alphabets))]
		if r.IntN(2) == 0 {
			alphabet = alphabets[0]
		}
		out.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	return out.String()
}

// senders returns n different addresses.
func senders(r *rand.Rand, n int) []string {
	names := locals
	if runtime.GOOS != "windows" {
		names = slices.Concat(locals, wild)
	}
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%s%d@%s", pick(r, names), i, pick(r, hosts)))
	}
	return list
}

// maxStem is the length in bytes of the longest stem (SPEC.md, Appendix C).
const maxStem = 235 - len(".response")

// uuid returns a UUID that the number makes unique.
func uuid(r *rand.Rand, number int) string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", number, r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
}

// stems are the forms of stems that are no UUIDs.
var stems = []string{
	"%d", "a request with spaces %d", "größe-%d", "gro\u0308\u00dfe-%d", "v1.2.%d.json", "-%d", "[%d]*{}", "中文-%d-😀",
}

// stem returns the name of a request: often a UUID, sometimes any other that SyftBox carries. The
// number makes it unique.
func stem(r *rand.Rand, number int) string {
	usual := uuid(r, number)
	var name string
	switch n := r.IntN(12); {
	case n == 0:
		name = strings.ToUpper(usual)
	case n <= len(stems):
		name = fmt.Sprintf(stems[n-1], number)
	case n == len(stems)+1:
		name = fmt.Sprint(number, "-")
		name += strings.Repeat("x", r.IntN(maxStem-len(name)+1))
	}
	if name == "" || fakebox.Ignores(name+".request") || runtime.GOOS == "windows" && strings.Contains(name, "*") {
		return usual
	}
	return name
}

// body returns the flags of "box send" that make a body, after the name and the endpoint, and
// the body itself if it is small. present is false for no body at all.
func (g *generator) body() (flags []string, body []byte, present, small bool) {
	switch n := g.IntN(100); {
	case n < 10:
		return nil, nil, false, true
	case n < 20:
		body = []byte{}
	case n < 50:
		body = []byte(text(g.Rand, 60))
	case n < 80:
		body = make([]byte, g.IntN(100))
		for i := range body {
			body[i] = byte(g.Uint32())
		}
	default:
		return []string{"-body-size", fmt.Sprint(g.bodySize()), "-body-seed", fmt.Sprint(g.IntN(1<<30) + 1)}, nil, true, false
	}
	return []string{"-set", "body=" + `"` + base64.URLEncoding.EncodeToString(body) + `"`}, body, true, true
}

// bodySize returns the size of a larger body: near a power of two, at which buffers end, or any.
func (g *generator) bodySize() int {
	exponent := 7 + g.IntN(9) // up to 64 KiB
	switch n := g.IntN(40); {
	case n < 4:
		exponent += 5 // up to 2 MiB
	case n < 6:
		exponent = 23
	}
	size := 1<<exponent + g.IntN(3) - 1
	if g.IntN(3) == 0 {
		size = g.IntN(size)
	}
	return min(size, g.maxBody)
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// quote quotes an argument of a script.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.+-_/:=,"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", "''") + "'"
}
