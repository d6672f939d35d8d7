package watch

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPatternsMatchPaths(t *testing.T) {
	paths := []string{
		"bob@example.com/a.json", "bob@example.com/x/y/a.json", "bob@example.com/app_data/demo/in/a.json",
		"alice@example.com/a.json", "alice@example.com/bob@example.com/a.json", "alice@example.com/public/.h.json",
		"alice@example.com/d.json/in.txt", "alice@example.com/public/a1.json", "alice@example.com/A.JSON",
		"alice@example.com/{x}.txt", "alice@example.com/ö*.txt",
	}
	for pattern, want := range map[string]string{
		"*.json":                     "0 1 2 3 4 5 7",
		"**/*.json":                  "0 1 2 3 4 5 7",
		"**":                         "0 1 2 3 4 5 6 7 8 9 10",
		"*":                          "0 1 2 3 4 5 6 7 8 9 10",
		"{datasite}/**/*.json":       "0 1 2",
		"{email}/*.json":             "0",
		"{datasite}/**":              "0 1 2",
		"{datasite}/":                "0 1 2",
		"{app_data}/**/*.json":       "2",
		"{api_data}/in/":             "2",
		"/{app_data}/in/a.json":      "2",
		"alice@example.com/*.json":   "3",
		"alice@example.com/*":        "3 8 9 10",
		"alice@*/*.json":             "3",
		"*/public/*.json":            "5 7",
		"**/public/":                 "5 7",
		"*@example.com/**/a.json":    "0 1 2 3 4",
		"**/**/a.json":               "0 1 2 3 4",
		"a?.json":                    "7",
		"[aA].*":                     "0 1 2 3 4 8",
		"[!a]*.json":                 "5",
		"[^A-Z.]1.json":              "7",
		"[^A-Za]1.json":              "",
		"a[0-9].json":                "7",
		"alice@example.com/[]{]x}}*": "9",
		"{{x}}.txt":                  "9",
		`\{x\}.txt`:                  "9",
		`?\*.txt`:                    "10",
		"ö*":                         "10",
		"alice@example.com/**1.json": "",
		"carol@example.com/**":       "",
	} {
		p, err := ParsePattern(pattern, bob, "demo")
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for i, path := range paths {
			if p.Match(path) {
				got = append(got, strconv.Itoa(i))
			}
			checkContinues(t, p, path)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s matches %s, want %s", pattern, got, want)
		}
	}
}

// checkContinues checks that a scan enters each folder that leads to a file that matches.
func checkContinues(t *testing.T, p *Pattern, path string) {
	s, names := p.start(), strings.Split(path, "/")
	for i, name := range names {
		if p.Match(path) && !p.continues(s) {
			t.Errorf("%s matches %s, but not in folder %s", p.text, path, strings.Join(names[:i], "/"))
		}
		s = p.step(s, name)
	}
}

func TestRefusesInvalidPatterns(t *testing.T) {
	for _, pattern := range []string{
		"", "/", "//", "a//b", "*//b", "*/../b", "./a", "..", "alice@example.com", "{datasite}", "public/*.json", "{app}", "{", "}", "{email",
		"[a", "[]", "[z-a]", "[a/b]", `a\`, "a\nb", "a\x80", strings.Repeat("*/", 61),
	} {
		if p, err := ParsePattern(pattern, bob, "demo"); err == nil {
			t.Errorf("%q is valid: %v", pattern, p.segments)
		} else if !strings.Contains(err.Error(), "watch pattern") {
			t.Error(err)
		}
	}
}

// The address of the server is not a pattern.
func TestPlaceholdersAreLiteral(t *testing.T) {
	p, err := ParsePattern("{datasite}/*.json", "b*b@example.com", "demo")
	if err != nil {
		t.Fatal(err)
	}
	if p.Match("bob@example.com/a.json") || !p.Match("b*b@example.com/a.json") {
		t.Error("the placeholder matches another datasite")
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("**/*a*[!b-c]?.json", "alice@example.com/aaab.json")
	f.Add("{datasite}/**/x", "bob@example.com/x/x/x")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := ParsePattern(pattern, bob, "demo")
		if err != nil {
			return
		}
		p.Match(path)
		checkContinues(t, p, path)
	})
}

func TestIntervalsShareTheBudget(t *testing.T) {
	const tick = 500 * time.Millisecond
	cheap, dear := 10*time.Microsecond, 100*time.Millisecond
	costs := []time.Duration{cheap, dear, cheap, 0, dear}
	got := intervals(costs, 0.004, tick)
	var used float64
	for i, cost := range costs {
		used += float64(cost) / float64(got[i])
		if got[i] < tick || cost == cheap && got[i] != tick {
			t.Errorf("interval %d is %v", i, got[i])
		}
	}
	if used > 0.004001 || used < 0.0039 {
		t.Errorf("scans use %v of a core", used)
	}
	if got := intervals(nil, 0.004, tick); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
