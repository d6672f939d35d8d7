package spec

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A grammar holds the rules of an ABNF by name. Rules must not be recursive. The tests
// match the example paths of SPEC.md against its grammar.
type grammar map[string]string

var rulePattern = regexp.MustCompile(`^([a-z]+)\s*=\s*(.+)$`)

func parseGrammar(text string) (grammar, error) {
	g := grammar{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, ";")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m := rulePattern.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%q is not a rule", line)
		}
		g[m[1]] = m[2]
	}
	return g, nil
}

// compile returns a regular expression for a rule.
func (g grammar) compile(rule string) (*regexp.Regexp, error) {
	pattern, err := g.rule(rule)
	if err != nil {
		return nil, err
	}
	return regexp.Compile("^" + pattern + "$")
}

func (g grammar) rule(name string) (string, error) {
	text, ok := g[name]
	if !ok {
		return "", fmt.Errorf("unknown rule %q", name)
	}
	p := &abnf{grammar: g, rest: text}
	pattern, err := p.alternation()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	if err != nil {
		return "", fmt.Errorf("rule %s: %w", name, err)
	}
	return pattern, nil
}

// An abnf parses the text of one rule.
type abnf struct {
	grammar grammar
	rest    string
}

// take removes a match of an expression from the beginning, and returns its submatches or
// nil.
func (p *abnf) take(expression *regexp.Regexp) []string {
	m := expression.FindStringSubmatch(p.rest)
	if m != nil {
		p.rest = strings.TrimLeft(p.rest[len(m[0]):], " ")
	}
	return m
}

var (
	slash      = regexp.MustCompile(`^/`)
	repetition = regexp.MustCompile(`^([0-9]*)\*([0-9]*)`)
	quoted     = regexp.MustCompile(`^"([^"]*)"`)
	numbers    = regexp.MustCompile(`^%x([0-9A-F]+)(?:-([0-9A-F]+))?`)
	reference  = regexp.MustCompile(`^[a-z]+`)
	group      = regexp.MustCompile(`^\(`)
	groupEnd   = regexp.MustCompile(`^\)`)
)

func (p *abnf) alternation() (string, error) {
	var choices []string
	for {
		choice, err := p.concatenation()
		if err != nil {
			return "", err
		}
		choices = append(choices, choice)
		if p.take(slash) == nil {
			return "(?:" + strings.Join(choices, "|") + ")", nil
		}
	}
}

func (p *abnf) concatenation() (string, error) {
	var all strings.Builder
	for p.rest != "" && p.rest[0] != '/' && p.rest[0] != ')' {
		times := ""
		if m := p.take(repetition); m != nil {
			least := m[1]
			if least == "" {
				least = "0"
			}
			times = "{" + least + "," + m[2] + "}"
		}
		element, err := p.element()
		if err != nil {
			return "", err
		}
		all.WriteString(element + times)
	}
	return all.String(), nil
}

func (p *abnf) element() (string, error) {
	if m := p.take(quoted); m != nil {
		return "(?:" + regexp.QuoteMeta(m[1]) + ")", nil
	}
	if m := p.take(numbers); m != nil {
		if m[2] == "" {
			m[2] = m[1]
		}
		return fmt.Sprintf(`[\x{%s}-\x{%s}]`, m[1], m[2]), nil
	}
	if m := p.take(reference); m != nil {
		return p.grammar.rule(m[0])
	}
	if p.take(group) != nil {
		inner, err := p.alternation()
		if err == nil && p.take(groupEnd) == nil {
			err = fmt.Errorf("group is not closed before %q", p.rest)
		}
		return inner, err
	}
	return "", fmt.Errorf("unexpected %q", p.rest)
}

func TestPathsMatchTheGrammar(t *testing.T) {
	var g grammar
	for _, example := range examples(t) {
		if example.kind == "abnf" {
			var err error
			if g, err = parseGrammar(example.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[bool]int{}
	for _, example := range examples(t) {
		if example.kind != "path" {
			continue
		}
		expression, err := g.compile(example.of)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(example.text) {
			line = strings.TrimSuffix(line, "\n")
			seen[example.invalid]++
			if expression.MatchString(line) == example.invalid {
				t.Errorf("SPEC.md:%d: path %q of a %s: match is %v", example.line, line, example.of, !example.invalid)
			}
		}
	}
	if seen[true] < 5 || seen[false] < 4 {
		t.Errorf("%d valid paths and %d invalid ones, want 4 and 5 or more", seen[false], seen[true])
	}
}

func TestParseGrammar(t *testing.T) {
	g, err := parseGrammar("word = 1*letter [x]\n")
	if err == nil {
		_, err = g.compile("word")
	}
	if err == nil {
		t.Error("an optional group is accepted")
	}
	if g, err = parseGrammar("word = 2*3letter *( \"-\" letter ) ; a word\nletter = %x61-7A / %x2E\n"); err != nil {
		t.Fatal(err)
	}
	expression, err := g.compile("word")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"ab": true, "a.c-d-e": true, "a": false, "abcd": false, "ab-": false, "AB": false} {
		if expression.MatchString(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	for _, bad := range []string{"word", "w = %q", "w = ( \"a\"", "w = other"} {
		g, err := parseGrammar(bad)
		if err == nil {
			_, err = g.compile("w")
		}
		if err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
