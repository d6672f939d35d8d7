package wire

// maxDepth is how deep arrays and objects may be nested, as in encoding/json. A
// level costs the scanner one bit, so a lower limit would gain nothing.
const maxDepth = 10_000

// A scanner checks one JSON value by the grammar of RFC 8259, as strictly as
// encoding/json. It allocates nothing and does not recurse, whatever the value holds.
//
// Its methods read a token each. They report whether it is well-formed; if not, pos
// is at the first byte that cannot belong to a JSON value, or at the end.
type scanner struct {
	data    []byte
	pos     int
	depth   int                     // how many arrays and objects are open
	objects [maxDepth/64 + 1]uint64 // which of them are objects, a bit each
	tooDeep bool                    // whether there are more than maxDepth
	lone    bool                    // whether a string has half of a surrogate pair

	// member, if not nil, is called with each member of the outermost object, as it is
	// written, but with none from a lone surrogate on. The rest may be malformed.
	member      func(name, value []byte)
	memberName  []byte
	memberValue int // where the value begins
}

// scan reads all of the data.
func (s *scanner) scan() bool {
	for {
		ended, ok := s.begin()
		for ended && ok {
			if s.depth == 0 {
				s.space()
				return s.pos == len(s.data)
			}
			ended, ok = s.next()
		}
		if !ok {
			return false
		}
	}
}

// begin reads a value that is no array or object, or has no elements, and reports
// that it has ended. Of others it reads what comes before the first element.
func (s *scanner) begin() (ended, ok bool) {
	s.space()
	if s.depth == 1 {
		s.memberValue = s.pos
	}
	switch c := s.peek(); c {
	case '"':
		return true, s.string()
	case '{', '[':
		if !s.open(c == '{') {
			return false, false
		}
		s.space()
		if s.peek() == c+2 { // the bracket that closes it
			s.pos++
			s.depth--
			return true, true
		}
		return false, c == '[' || s.name()
	case 't':
		return true, s.literal("true")
	case 'f':
		return true, s.literal("false")
	case 'n':
		return true, s.literal("null")
	default:
		return true, s.number()
	}
}

// next reads what follows an element: the end of the array or object it is in, or
// what comes before the next element.
func (s *scanner) next() (ended, ok bool) {
	object := s.inObject()
	if s.depth == 1 && object && s.member != nil && !s.lone {
		s.member(s.memberName, s.data[s.memberValue:s.pos])
	}
	s.space()
	switch c := s.peek(); {
	case c == '}' && object, c == ']' && !object:
		s.pos++
		s.depth--
		return true, true
	case c == ',':
		s.pos++
		s.space()
		return false, !object || s.name()
	default:
		return false, false
	}
}

func (s *scanner) open(object bool) bool {
	if s.depth == maxDepth {
		s.tooDeep = true
		return false
	}
	s.pos++
	s.depth++
	bit := uint64(1) << (s.depth % 64)
	s.objects[s.depth/64] &^= bit
	if object {
		s.objects[s.depth/64] |= bit
	}
	return true
}

func (s *scanner) inObject() bool { return s.objects[s.depth/64]>>(s.depth%64)&1 == 1 }

// name reads the name of a member and the colon.
func (s *scanner) name() bool {
	start := s.pos
	if s.peek() != '"' || !s.string() {
		return false
	}
	if s.depth == 1 {
		s.memberName = s.data[start:s.pos]
	}
	s.space()
	if s.peek() != ':' {
		return false
	}
	s.pos++
	return true
}

// plain are the bytes that stand for themselves in a string.
var plain = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return plain
}()

// string reads a string from its opening quote on.
func (s *scanner) string() bool {
	s.pos++
	for {
		data, pos := s.data, s.pos
		for pos < len(data) && plain[data[pos]] {
			pos++
		}
		s.pos = pos
		switch s.peek() {
		case '"':
			s.pos++
			return true
		case '\\':
			if !s.escape() {
				return false
			}
		default: // a control character, or the end
			return false
		}
	}
}

// escape reads an escape, or two that are a surrogate pair.
func (s *scanner) escape() bool {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
	default:
		return false
	}
	unit, ok := s.unit()
	switch {
	case !ok:
		return false
	case isLow(unit):
		s.lone = true
	case isHigh(unit):
		if s.peek() != '\\' || s.pos+1 < len(s.data) && s.data[s.pos+1] != 'u' {
			s.lone = true
			return true
		}
		s.pos++
		if s.peek() != 'u' {
			return false
		}
		unit, ok = s.unit()
		s.lone = s.lone || !isLow(unit)
	}
	return ok
}

// unit reads the rest of an escape, from the "u" on.
func (s *scanner) unit() (unit rune, ok bool) {
	unit, digits := hexUnit(s.data[s.pos+1:])
	s.pos += 1 + digits
	return unit, digits == 4
}

// hexUnit returns the UTF-16 code unit with which data begins, in hexadecimal, and how
// many of its four digits there are.
func hexUnit(data []byte) (unit rune, digits int) {
	for ; digits < min(4, len(data)); digits++ {
		digit, ok := hexDigit(data[digits])
		if !ok {
			break
		}
		unit = unit<<4 | digit
	}
	return unit, digits
}

func hexDigit(c byte) (digit rune, ok bool) {
	switch {
	case isDigit(c):
		return rune(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

func isHigh(unit rune) bool { return unit>>10 == 0xD800>>10 }
func isLow(unit rune) bool  { return unit>>10 == 0xDC00>>10 }

func (s *scanner) literal(text string) bool {
	for i := range len(text) {
		if s.peek() != text[i] {
			return false
		}
		s.pos++
	}
	return true
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

// digits reads at least one digit.
func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) space() {
	for {
		switch s.peek() {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte. At the end it returns 0, which no JSON text contains.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
