package wire

// maxDepth is the maximum nesting depth of arrays and objects, as in encoding/json. A
// level costs one bit, so there is no need for a lower limit.
const maxDepth = 10_000

// A scanner checks the syntax of one JSON value (RFC 8259), as strictly as encoding/json.
// It does not allocate or recurse.
//
//	value  = "{" [ member *( "," member ) ] "}"
//	       | "[" [ value *( "," value ) ] "]"
//	       | string | number | "true" | "false" | "null"
//	member = string ":" value
//
// Each method reads a token and reports whether it is well-formed. If it is not, pos is
// the position of the first invalid byte, or the end of data.
type scanner struct {
	data    []byte
	pos     int
	depth   int                     // number of open arrays and objects
	objects [maxDepth/64 + 1]uint64 // one bit for each: whether it is an object
	tooDeep bool                    // whether depth would exceed maxDepth

	loneSurrogate bool // whether a string contains half of a surrogate pair

	// member, if not nil, is called with each encoded member of the outermost object,
	// until a lone surrogate is found. The rest of data may still be malformed.
	member      func(name, value []byte)
	memberName  []byte
	memberValue int // start of the value
}

// scan reads all of data.
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

// begin reads a scalar or an empty array or object, and reports that the value has ended.
// Of any other array or object it reads only the part before the first element's value.
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
		if s.peek() == c+2 { // the closing bracket, two code points after the opening one
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

// next reads what follows an element: the end of its array or object, or the part before
// the next element's value.
func (s *scanner) next() (ended, ok bool) {
	object := s.inObject()
	if s.depth == 1 && object && s.member != nil && !s.loneSurrogate {
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

// plain contains the bytes that represent themselves in a string.
var plain = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return plain
}()

// string reads a string, starting at its opening quote.
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

// escape reads an escape, or the two escapes of a surrogate pair.
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
		s.loneSurrogate = true
	case isHigh(unit):
		if s.peek() != '\\' || s.pos+1 < len(s.data) && s.data[s.pos+1] != 'u' {
			s.loneSurrogate = true
			return true
		}
		s.pos++
		if s.peek() != 'u' {
			return false
		}
		unit, ok = s.unit()
		s.loneSurrogate = s.loneSurrogate || !isLow(unit)
	}
	return ok
}

// unit reads the rest of a \u escape, starting at the "u".
func (s *scanner) unit() (unit rune, ok bool) {
	unit, digits := hexUnit(s.data[s.pos+1:])
	s.pos += 1 + digits
	return unit, digits == 4
}

// hexUnit decodes the hexadecimal UTF-16 code unit at the beginning of data. It also
// returns the number of digits found, up to four.
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

// isHigh and isLow report whether unit is a high or a low surrogate.
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

// peek returns the next byte, or 0 at the end. JSON does not contain the byte 0.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
