package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A Pattern matches paths below the folder of all datasites:
//
//	pattern  = [ "/" ] segment { "/" segment } [ "/" ]
//	segment  = "**" | { "*" | "?" | class | template | char }
//	class    = "[" [ "!" | "^" ] range { range } "]"
//	range    = char [ "-" char ]
//	template = "{datasite}" | "{email}" | "{app_data}" | "{api_data}"
//	char     = any character; special ones as "\*" and so on, or "{{" and "}}"
//
// "**" is any number of segments, "*" any characters of one, "?" one character. A pattern
// without a slash matches the name of a file in any folder. A final slash stands for "/**",
// which matches everything in a folder.
type Pattern struct {
	text     string
	segments []segment
}

// A segment matches one segment of a path, or any number if it has no tokens.
type segment []token

// A token matches characters of a name.
type token struct {
	kind   tokenKind
	char   rune
	negate bool
	ranges [][2]rune
}

type tokenKind uint8

const (
	char  tokenKind = iota // one given character
	any1                   // any character
	star                   // any number of characters
	class                  // a character of ranges, or none of them
	slash                  // the end of a segment; only while parsing
)

// maxSegments bounds the segments of a pattern: a state has a bit for each.
const maxSegments = 60

// ParsePattern parses a pattern for an app in the datasite of email.
func ParsePattern(text, email, app string) (*Pattern, error) {
	p := &Pattern{text: text}
	tokens, err := tokenize(text, email, app)
	if err != nil {
		return nil, fmt.Errorf("watch pattern %q: %w", text, err)
	}
	if err := p.build(tokens); err != nil {
		return nil, fmt.Errorf("watch pattern %q: %w", text, err)
	}
	return p, nil
}

func tokenize(text, email, app string) (tokens []token, err error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return nil, errors.New("it contains a control character or is not valid UTF-8")
	}
	values := strings.NewReplacer("{datasite}", email, "{email}", email,
		"{app_data}", email+"/app_data/"+app, "{api_data}", email+"/app_data/"+app)
	for rest := text; rest != ""; {
		c, size := utf8.DecodeRuneInString(rest)
		after := rest[size:]
		switch c {
		case '/':
			tokens = append(tokens, token{kind: slash})
		case '?':
			tokens = append(tokens, token{kind: any1})
		case '*':
			tokens = append(tokens, token{kind: star})
		case '[':
			var t token
			if t, after, err = parseClass(after); err != nil {
				return nil, err
			}
			tokens = append(tokens, t)
		case '\\':
			if after == "" {
				return nil, errors.New("a character must follow the final backslash")
			}
			c, size = utf8.DecodeRuneInString(after)
			tokens, after = append(tokens, token{char: c}), after[size:]
		case '{', '}':
			if doubled, ok := strings.CutPrefix(after, string(c)); ok {
				tokens, after = append(tokens, token{char: c}), doubled
				break
			}
			name, following, closed := strings.Cut(after, "}")
			value := values.Replace("{" + name + "}")
			if c == '}' || !closed || value == "{"+name+"}" {
				return nil, errors.New("braces must enclose datasite, email or app_data, or be doubled")
			}
			after = following
			for _, c := range value {
				t := token{char: c}
				if c == '/' {
					t = token{kind: slash}
				}
				tokens = append(tokens, t)
			}
		default:
			tokens = append(tokens, token{char: c})
		}
		rest = after
	}
	return tokens, nil
}

// parseClass parses a class after its bracket.
func parseClass(text string) (t token, rest string, err error) {
	bad := errors.New("a class in brackets is not closed, empty, or has a slash or an inverted range")
	t = token{kind: class}
	if after, ok := strings.CutPrefix(text, "!"); ok {
		t.negate, text = true, after
	} else if after, ok := strings.CutPrefix(text, "^"); ok {
		t.negate, text = true, after
	}
	next := func() (c rune, ok bool) {
		c, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		if c == '\\' && size > 0 {
			c, size = utf8.DecodeRuneInString(text)
			text = text[size:]
		}
		return c, size > 0 && c != '/'
	}
	for first := true; first || !strings.HasPrefix(text, "]"); first = false {
		low, ok := next()
		high := low
		if after, ranged := strings.CutPrefix(text, "-"); ok && ranged && !strings.HasPrefix(after, "]") {
			text = after
			high, ok = next()
		}
		if !ok || high < low {
			return t, "", bad
		}
		t.ranges = append(t.ranges, [2]rune{low, high})
	}
	return t, text[1:], nil
}

// build splits the tokens into segments.
func (p *Pattern) build(tokens []token) error {
	isSlash := func(t token) bool { return t.kind == slash }
	anchored := slices.ContainsFunc(tokens, isSlash)
	if anchored && isSlash(tokens[0]) {
		tokens = tokens[1:]
	}
	inFolder := len(tokens) > 0 && isSlash(tokens[len(tokens)-1])
	if inFolder {
		tokens = tokens[:len(tokens)-1]
	}
	for last := false; !last; {
		end := slices.IndexFunc(tokens, isSlash)
		if last = end < 0; last {
			end = len(tokens)
		}
		s := segment(tokens[:end:end])
		switch text := s.literal(); {
		case len(s) == 0:
			return errors.New("it is empty or has an empty segment")
		case text == "." || text == "..":
			return fmt.Errorf("segment %q is not a name", text)
		}
		if len(s) == 2 && s[0].kind == star && s[1].kind == star {
			s = segment{}
		}
		p.segments = append(p.segments, s)
		if !last {
			tokens = tokens[end+1:]
		}
	}
	first := p.segments[0].literal()
	switch {
	case !anchored && protocol.SeemsAddress(first):
		return errors.New(`it names a datasite; add "/**" to watch all its files`)
	case anchored && first != "" && !protocol.SeemsAddress(first):
		return fmt.Errorf("the first segment %q is not the address of a datasite; a pattern for any folder begins with %q", first, "**/")
	case !anchored:
		p.segments = slices.Insert(p.segments, 0, segment{})
	}
	if n := len(p.segments); inFolder && len(p.segments[n-1]) > 0 {
		p.segments = append(p.segments, segment{})
	}
	if n := len(p.segments); len(p.segments[n-1]) == 0 {
		p.segments = append(p.segments, segment{{kind: star}}) // at least one
	}
	if len(p.segments) > maxSegments {
		return fmt.Errorf("it has more than %d segments", maxSegments)
	}
	return nil
}

// literal returns the only text that the segment matches, or "" if there is none.
func (s segment) literal() string {
	var text strings.Builder
	for _, t := range s {
		if t.kind != char {
			return ""
		}
		text.WriteRune(t.char)
	}
	return text.String()
}

// A state is the set of segments of a pattern that may match the next segment of a path. The bit
// after the last one means that the path matches.
type state uint64

// start returns the state of the empty path.
func (p *Pattern) start() state { return p.skipAny(1) }

// skipAny adds the segments that can be reached without a segment of the path.
func (p *Pattern) skipAny(s state) state {
	for i, segment := range p.segments {
		if s&(1<<i) != 0 && len(segment) == 0 {
			s |= 1 << (i + 1)
		}
	}
	return s
}

// step returns the state after one more segment of the path.
func (p *Pattern) step(s state, name string) (next state) {
	for i, segment := range p.segments {
		switch {
		case s&(1<<i) == 0:
		case len(segment) == 0:
			next |= 1 << i
		case segment.match(name):
			next |= 1 << (i + 1)
		}
	}
	return p.skipAny(next)
}

// matches reports whether a path in the state matches.
func (p *Pattern) matches(s state) bool { return s&(1<<len(p.segments)) != 0 }

// continues reports whether a path in the state can begin one that matches.
func (p *Pattern) continues(s state) bool { return s&(1<<len(p.segments)-1) != 0 }

// Match reports whether the pattern matches a path.
func (p *Pattern) Match(path string) bool {
	s := p.start()
	for name := range strings.SplitSeq(path, "/") {
		s = p.step(s, name)
	}
	return p.matches(s)
}

// match reports whether the segment matches a name, in time proportional to the product of
// their lengths at most.
func (s segment) match(name string) bool {
	i, at := 0, 0
	backToken, backAt := -1, 0
	for at < len(name) {
		if i < len(s) && s[i].kind == star {
			backToken, backAt = i, at
			i++
			continue
		}
		c, size := utf8.DecodeRuneInString(name[at:])
		if i < len(s) && s[i].has(c) {
			i, at = i+1, at+size
			continue
		}
		if backToken < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[backAt:])
		backAt += size
		i, at = backToken+1, backAt
	}
	for i < len(s) && s[i].kind == star {
		i++
	}
	return i == len(s)
}

// has reports whether a token that is no star matches a character.
func (t *token) has(c rune) bool {
	switch t.kind {
	case char:
		return c == t.char
	case class:
		in := slices.ContainsFunc(t.ranges, func(r [2]rune) bool { return r[0] <= c && c <= r[1] })
		return in != t.negate
	}
	return true
}

// isControl reports whether a character is a control character.
func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }
