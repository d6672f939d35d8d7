package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A blemish is one finding of the linter.
type blemish struct {
	line int
	what string
}

func (b blemish) String() string { return fmt.Sprintf("SPEC.md:%d: %s", b.line, b.what) }

var (
	// weakWord is a key word in lower case: the reader cannot tell whether it is a
	// requirement.
	weakWord = regexp.MustCompile(`\b(must|should|shall|ought|required|recommended|optional)\b`)
	// shout is a key word of RFC 2119 that the project does not use.
	shout = regexp.MustCompile(`\b(SHALL|REQUIRED|RECOMMENDED|OPTIONAL|OUGHT)\b`)
	link  = regexp.MustCompile(`\]\(([^)]+)\)`)
	head  = regexp.MustCompile(`^#{1,6} (.+)$`)
	name  = regexp.MustCompile(`<a id="([^"]+)">`)
	slug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	fence = regexp.MustCompile("^```")
)

// explains reports whether a paragraph may use a key word outside of a requirement,
// because it defines the key words or conformance.
func explains(paragraph string) bool {
	return strings.HasPrefix(paragraph, "The key words") || strings.Contains(paragraph, "*conformant*")
}

// lint finds rules that nothing checks, and dead links. The targets of links to files are
// relative to dir.
func lint(markdown, dir string) []blemish {
	var found []blemish
	say := func(line int, format string, args ...any) {
		found = append(found, blemish{line + 1, fmt.Sprintf(format, args...)})
	}
	lines := strings.Split(markdown, "\n")
	anchors := anchorsOf(lines)
	inFence := false
	first := "" // the first line of the paragraph
	for n, line := range lines {
		switch {
		case strings.TrimSpace(line) == "":
			first = ""
		case first == "":
			first = line
		}
		if fence.MatchString(line) {
			inFence = !inFence
			continue
		}
		if inFence {
			continue
		}
		isRequirement := strings.Contains(line, "**[")
		switch words := keyword.FindAllString(line, -1); {
		case isRequirement && len(words) != 1:
			say(n, "requirement with %d key words, want one", len(words))
		case !isRequirement && len(words) > 0 && !explains(first):
			say(n, "%s outside of a requirement", words[0])
		}
		if word := shout.FindString(line); word != "" {
			say(n, "%s is not a key word of this document", word)
		}
		if word := weakWord.FindString(withoutCode(line)); word != "" {
			say(n, "%q reads like a requirement: use a key word, or another word", word)
		}
		for _, target := range link.FindAllStringSubmatch(line, -1) {
			if why := deadLink(target[1], anchors, dir); why != "" {
				say(n, "%s", why)
			}
		}
	}
	return found
}

// withoutCode removes the code between backquotes.
func withoutCode(line string) string {
	parts := strings.Split(line, "`")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = ""
	}
	return strings.Join(parts, "")
}

// anchorsOf returns the anchors of a document.
func anchorsOf(lines []string) map[string]bool {
	anchors := map[string]bool{}
	for _, line := range lines {
		if m := name.FindStringSubmatch(line); m != nil {
			anchors[m[1]] = true
		}
		if m := head.FindStringSubmatch(line); m != nil {
			// GitHub derives anchors from headings in this way.
			text := slug.ReplaceAllString(strings.ToLower(m[1]), "")
			anchors[strings.ReplaceAll(text, " ", "-")] = true
		}
	}
	return anchors
}

// deadLink returns why a link is dead, "" if it is not.
func deadLink(target string, anchors map[string]bool, dir string) string {
	if strings.Contains(target, "://") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	if file != "" {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			return fmt.Sprintf("link to a missing file: %s", target)
		}
		return ""
	}
	if !anchors[anchor] {
		return fmt.Sprintf("link to a missing anchor: #%s", anchor)
	}
	return ""
}

func TestSpecIsClean(t *testing.T) {
	for _, b := range lint(readSpec(t), filepath.Dir(specPath)) {
		t.Error(b)
	}
}

func TestLinterFinds(t *testing.T) {
	const requirement = `- <a id="a"></a>**[a]** The server %s. *(core)*`
	for text, want := range map[string]string{
		"The server MUST run.":                              "outside of a requirement",
		fmt.Sprintf(requirement, "MUST run and MUST jump"):  "2 key words",
		fmt.Sprintf(requirement, "runs"):                    "0 key words",
		"The server must run.":                              `"must" reads like a requirement`,
		"It should.":                                        `"should" reads like a requirement`,
		"The server SHALL run.":                             "SHALL is not a key word",
		"See [there](#nowhere).":                            "#nowhere",
		"See [there](NOTHING.md).":                          "NOTHING.md",
		"## A place\n\nSee [there](#a-place) and [b](#b-).": "#b-",
	} {
		found := lint(text, ".")
		if len(found) != 1 || !strings.Contains(found[0].String(), want) {
			t.Errorf("%q: found %v, want one that says %q", text, found, want)
		}
	}
	for _, text := range []string{
		fmt.Sprintf(requirement, "MUST run"),
		"The word `must` in code.",
		"```\nmust\n```",
		"## 3. A place: here\n\nSee [there](#3-a-place-here), [a](https://example.com/#x) and [it](lint_test.go).",
	} {
		if found := lint(text, "."); found != nil {
			t.Errorf("%q: found %v", text, found)
		}
	}
}
