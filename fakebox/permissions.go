package fakebox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Rule is one access rule of a syft.pub.yaml: who may read and write the files
// that a pattern matches. In the pattern, * stands for any name, ** for any
// number of folders, and {{.UserEmail}} for the address of whoever asks. In the
// lists, * is everybody, USER whoever asks, and all else an address.
type Rule struct {
	Pattern     string
	Read, Write []string
}

// ParsePermissions reads a syft.pub.yaml: the shape that SyftBox documents, with lists
// that may also be written in brackets, and no more of YAML; or the same as JSON.
//
//	rules:
//	- pattern: '**/{{.UserEmail}}/*.request'
//	  access:
//	    read:
//	    - 'USER'
//	    write: ['USER']
//
// Anything else is an error that names the line.
func ParsePermissions(data []byte) ([]Rule, error) {
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		return parseJSONPermissions(data)
	}
	var rules []Rule
	var users *[]string // the list that is being read
	seen := false       // "rules:"
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		bad := func(want string) ([]Rule, error) {
			return nil, fmt.Errorf("fakebox: permissions, line %d: %q, want %s", i+1, text, want)
		}
		pattern, isPattern := strings.CutPrefix(text, "- pattern: ")
		item, isItem := strings.CutPrefix(text, "- ")
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case !seen:
			if line != "rules:" && line != "rules: []" {
				return bad("rules:")
			}
			seen = true
		case isPattern:
			rules = append(rules, Rule{Pattern: unquote(pattern)})
			users = nil
		case len(rules) == 0:
			return bad("- pattern: PATTERN")
		case text == "access:":
			users = nil
		case text == "read:":
			users = &rules[len(rules)-1].Read
		case text == "write:":
			users = &rules[len(rules)-1].Write
		case inBrackets(text, "read:"):
			rules[len(rules)-1].Read = bracketed(text)
		case inBrackets(text, "write:"):
			rules[len(rules)-1].Write = bracketed(text)
		case isItem && users != nil:
			*users = append(*users, unquote(item))
		default:
			return bad("access:, read:, write: or - USER")
		}
	}
	if !seen {
		return nil, fmt.Errorf("fakebox: permissions: there is no line %q", "rules:")
	}
	return rules, nil
}

func inBrackets(text, name string) bool {
	list, ok := strings.CutPrefix(text, name+" [")
	return ok && strings.HasSuffix(list, "]")
}

// bracketed returns the items of a list in brackets.
func bracketed(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text[strings.Index(text, "[")+1:len(text)-1], ",") {
		if item = unquote(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func parseJSONPermissions(data []byte) ([]Rule, error) {
	var file struct {
		Rules []struct {
			Pattern string
			Access  struct{ Read, Write []string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("fakebox: permissions: %w", err)
	}
	var rules []Rule
	for _, r := range file.Rules {
		rules = append(rules, Rule{r.Pattern, r.Access.Read, r.Access.Write})
	}
	return rules, nil
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// Allows reports whether the rules let a user read, or write, the file of a
// path, which has slashes and is relative to the folder of the rules. Of the
// rules that match, the one with the longest pattern counts, as SyftBox takes
// the most specific.
func Allows(rules []Rule, user, path string, write bool) bool {
	return allows(rules, compile(rules, user), user, path, write)
}

func allows(rules []Rule, expressions []*regexp.Regexp, user, path string, write bool) bool {
	var best *Rule
	for i, expression := range expressions {
		if expression.MatchString(path) && (best == nil || len(rules[i].Pattern) > len(best.Pattern)) {
			best = &rules[i]
		}
	}
	if best == nil {
		return false
	}
	allowed := best.Read
	if write {
		allowed = best.Write
	}
	return slices.ContainsFunc(allowed, func(who string) bool { return who == "*" || who == "USER" || who == user })
}

// compile returns the expression of each rule's pattern for a user.
func compile(rules []Rule, user string) []*regexp.Regexp {
	var expressions []*regexp.Regexp
	for _, rule := range rules {
		expression := strings.NewReplacer(
			regexp.QuoteMeta("{{.UserEmail}}"), regexp.QuoteMeta(user),
			`\*\*/`, `(?:.*/)?`,
			`\*\*`, `.*`,
			`\*`, `[^/]*`,
			`\?`, `[^/]`,
		).Replace(regexp.QuoteMeta(rule.Pattern))
		// Quoted text and the replacements above always compile. (?s): a name may
		// hold a line break.
		expressions = append(expressions, regexp.MustCompile("(?s)^"+expression+"$"))
	}
	return expressions
}
