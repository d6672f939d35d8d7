package wire

import "fmt"

// Limits of headers.
const (
	// MaxHeaders is the maximum number of headers. Apache and Tomcat accept 100. A small
	// header costs ten times its size in memory, and a server holds 1,000 small requests
	// at once.
	MaxHeaders = 256
	// MaxHeaderBytes is the maximum size of all names and values, in decoded bytes, as in
	// net/http.
	MaxHeaderBytes = 1 << 20
)

func (f *fields) decodedHeaders() map[string]string {
	if f.headers == nil {
		return map[string]string{}
	}
	if f.headers[0] != '{' {
		f.fail("headers", "must be an object of strings")
		return nil
	}
	h := headers{values: map[string]string{}}
	s := scanner{data: f.headers, member: h.add}
	s.scan()
	if len(h.nulls) > 0 {
		h.invalid = "must be an object of strings"
	}
	if h.invalid != "" {
		f.fail("headers", h.invalid)
		return nil
	}
	return h.values
}

// headers collects decoded headers.
type headers struct {
	values  map[string]string
	nulls   map[string]bool // names whose last value is null
	count   int
	size    int
	invalid string // reason why the headers are invalid, or ""
}

// add decodes one header. A null is an error unless a later value replaces it.
func (h *headers) add(name, value []byte) {
	if h.invalid != "" {
		return
	}
	if h.count++; h.count > MaxHeaders {
		h.invalid = fmt.Sprintf("must not have more than %d members", MaxHeaders)
		return
	}
	key, fits := unquote(name, MaxHeaderBytes-h.size)
	h.size += len(key)
	var text string
	switch {
	case !fits:
	case value[0] == '"':
		text, fits = unquote(value, MaxHeaderBytes-h.size)
		h.size += len(text)
		h.values[key] = text
		delete(h.nulls, key)
	case value[0] == 'n':
		if h.nulls == nil {
			h.nulls = map[string]bool{}
		}
		h.nulls[key] = true
	default:
		h.invalid = "must be an object of strings"
	}
	if !fits {
		h.invalid = fmt.Sprintf("must not have more than %d bytes", MaxHeaderBytes)
	}
}
