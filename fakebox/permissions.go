package fakebox

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Rule is an access rule of a syft.pub.yaml: it lists who may read and who may write the
// files that match a pattern.
type Rule struct {
	// Pattern is a path relative to the folder of the rules. * matches any part of a
	// name, ** any number of folders, and {{.UserEmail}} the address of the user.
	Pattern string
	// Read and Write list addresses. "*" means everybody, and "USER" the user whom the
	// pattern names.
	Read, Write []string
}

// ParsePermissions parses a syft.pub.yaml. It supports the shape that SyftBox documents,
// with block lists or bracketed lists, and no other YAML. It also accepts the same content
// as JSON.
//
//	rules:
//	- pattern: '**/{{.UserEmail}}/*.request'
//	  access:
//	    read:
//	    - 'USER'
//	    write: ['USER']
//
// The error for anything else names the line.
func ParsePermissions(data []byte) ([]Rule, error) {
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		return parseJSONPermissions(data)
	}
	var rules []Rule
	var users *[]string // the current list
	seen := false       // whether "rules:" was seen
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		bad := func(want string) ([]Rule, error) {
			return nil, fmt.Errorf("fakebox: parse permissions: line %d: got %q, want %s", i+1, text, want)
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
		return nil, errors.New(`fakebox: parse permissions: missing line "rules:"`)
	}
	return rules, nil
}

func inBrackets(text, name string) bool {
	list, ok := strings.CutPrefix(text, name+" [")
	return ok && strings.HasSuffix(list, "]")
}

// bracketed returns the items of a bracketed list.
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
		return nil, fmt.Errorf("fakebox: parse permissions: %w", err)
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

// Allows reports whether the rules allow a user to read, or write, a file. The path is
// relative to the folder of the rules, with slashes. If several patterns match, the
// longest one applies: it stands for SyftBox's most specific one.
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

// compile compiles the pattern of each rule for a user.
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
		// (?s) because a name may contain a line break. Quoted text and the
		// replacements always compile.
		expressions = append(expressions, regexp.MustCompile("(?s)^"+expression+"$"))
	}
	return expressions
}
