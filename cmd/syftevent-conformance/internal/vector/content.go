package vector

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Content is a sequence of bytes. In JSON it is a text, or a list of parts if some of it is
// not UTF-8 or is repeated. Nil means that there is none.
type Content []Part

// A Part is a piece of [Content]: a text, or other bytes.
type Part struct {
	Text  string
	Other []byte // nil for a text
	Times int    // how often the piece occurs
}

// Text returns a text as content.
func Text(text string) Content { return Content{{Text: text, Times: 1}} }

// Repeated returns a text that is repeated.
func Repeated(text string, times int) Content { return Content{{Text: text, Times: times}} }

// Split returns bytes as content: a text, or texts and other bytes between them.
func Split(data []byte) Content {
	c := Content{}
	for len(data) > 0 {
		size := validPrefix(data)
		if size > 0 {
			c = append(c, Part{Text: string(data[:size]), Times: 1})
			data = data[size:]
			continue
		}
		size = 1
		for size < len(data) && validPrefix(data[size:]) == 0 {
			size++
		}
		c = append(c, Part{Other: bytes.Clone(data[:size]), Times: 1})
		data = data[size:]
	}
	return c
}

// validPrefix returns the length of the longest prefix that is UTF-8.
func validPrefix(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		n += size
	}
	return n
}

// Join returns contents, one after the other.
func Join(contents ...Content) Content {
	joined := Content{}
	for _, c := range contents {
		for _, p := range c {
			last := len(joined) - 1
			if last >= 0 && p.isText() && joined[last].isText() && p.Times == 1 && joined[last].Times == 1 {
				joined[last].Text += p.Text
				continue
			}
			joined = append(joined, p)
		}
	}
	return joined
}

func (p Part) isText() bool { return p.Other == nil }

// Bytes returns the bytes.
func (c Content) Bytes() []byte {
	out := []byte{}
	for _, p := range c {
		piece := p.Other
		if p.isText() {
			piece = []byte(p.Text)
		}
		out = append(out, bytes.Repeat(piece, p.Times)...)
	}
	return out
}

// mapTexts returns the content with other texts.
func (c Content) mapTexts(f func(string) string) Content {
	mapped := Content{}
	for _, p := range c {
		p.Text = f(p.Text)
		mapped = append(mapped, p)
	}
	return mapped
}

// maxSize is the size of the largest content: that of the largest request that the suite sends.
const maxSize = 3_000_000

// A jsonPart is a part in JSON, unless it is a text that occurs once.
type jsonPart struct {
	Text   *string `json:"text,omitempty"`
	Base64 *string `json:"base64,omitempty"`
	Times  *int    `json:"times,omitempty"`
}

// UnmarshalJSON decodes a text or a list of parts.
func (c *Content) UnmarshalJSON(data []byte) error {
	raw := []json.RawMessage{data}
	if data[0] == '[' {
		if err := json.Unmarshal(data, &raw); err != nil {
			return err
		}
	}
	*c = Content{}
	size := 0
	for _, each := range raw {
		p, err := parsePart(each)
		if err != nil {
			return err
		}
		if size += (len(p.Text) + len(p.Other)) * p.Times; size > maxSize {
			return fmt.Errorf("a content has more than %d bytes", maxSize)
		}
		*c = append(*c, p)
	}
	return nil
}

func parsePart(data []byte) (Part, error) {
	p := Part{Times: 1}
	if data[0] == '"' {
		return p, json.Unmarshal(data, &p.Text)
	}
	var in jsonPart
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return p, err
	}
	if (in.Text == nil) == (in.Base64 == nil) {
		return p, errors.New(`a part must have either "text" or "base64"`)
	}
	if in.Times != nil {
		p.Times = *in.Times
	}
	if p.Times < 1 || p.Times > maxSize {
		return p, fmt.Errorf(`"times" is %d, want 1 to %d`, p.Times, maxSize)
	}
	if in.Text != nil {
		p.Text = *in.Text
		return p, nil
	}
	var err error
	p.Other, err = base64.StdEncoding.AppendDecode([]byte{}, []byte(*in.Base64))
	return p, err
}

// MarshalJSON encodes the content as a text if it is one, and otherwise as a list of parts.
func (c Content) MarshalJSON() ([]byte, error) {
	var parts []any
	for _, p := range c {
		if p.isText() && p.Times == 1 {
			parts = append(parts, p.Text)
			continue
		}
		out := jsonPart{}
		if p.isText() {
			out.Text = &p.Text
		} else {
			text := base64.StdEncoding.EncodeToString(p.Other)
			out.Base64 = &text
		}
		if p.Times != 1 {
			out.Times = &p.Times
		}
		parts = append(parts, out)
	}
	switch {
	case len(parts) == 0:
		return []byte(`""`), nil
	case len(parts) == 1 && c[0].isText() && c[0].Times == 1:
		return plainJSON(parts[0])
	}
	return plainJSON(parts)
}

// plainJSON encodes a value without escapes that only HTML needs.
func plainJSON(value any) ([]byte, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return []byte(strings.TrimSuffix(out.String(), "\n")), err
}

// A Body is an expected body. In JSON it is content, or null for no body. The zero value expects
// nothing.
type Body struct {
	Stated  bool
	None    bool
	Content Content
}

// NoBody expects that there is no body.
var NoBody = Body{Stated: true, None: true}

// BodyOf expects a body.
func BodyOf(c Content) Body { return Body{Stated: true, Content: c} }

// IsZero reports whether nothing is expected.
func (b Body) IsZero() bool { return !b.Stated }

// UnmarshalJSON decodes null or content.
func (b *Body) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*b = NoBody
		return nil
	}
	*b = Body{Stated: true}
	return b.Content.UnmarshalJSON(data)
}

// MarshalJSON encodes null or content.
func (b Body) MarshalJSON() ([]byte, error) {
	if b.None {
		return []byte("null"), nil
	}
	return b.Content.MarshalJSON()
}
