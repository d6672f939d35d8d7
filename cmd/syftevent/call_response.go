package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// writeHead writes the status line and the headers as curl does.
func writeHead(w io.Writer, response *http.Response) error {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s\r\n", response.Proto, response.Status)
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			fmt.Fprintf(&head, "%s: %s\r\n", printable(name), printable(value))
		}
	}
	head.WriteString("\r\n")
	_, err := io.WriteString(w, head.String())
	return err
}

// writeBody copies a body. The error says which side failed.
func writeBody(w io.Writer, body io.Reader) error {
	out := &failingWriter{w: w}
	_, err := io.Copy(out, body)
	switch {
	case out.err != nil:
		return withStatus(exitWrite, fmt.Errorf("write response: %w", out.err))
	case err != nil:
		return withStatus(exitBadResponse, fmt.Errorf("read response: %w", plainError(err)))
	}
	return nil
}

// A failingWriter records the error of a write.
type failingWriter struct {
	w   io.Writer
	err error
}

func (w *failingWriter) Write(p []byte) (n int, err error) {
	n, err = w.w.Write(p)
	w.err = err
	return n, err
}

// An errorText writes the body of a response to standard error. On a terminal it escapes what is
// not printable.
type errorText struct {
	w      io.Writer
	escape bool
	last   byte
	rest   []byte // the beginning of a character, if escape is set
}

func (t *errorText) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	t.last = p[len(p)-1]
	if !t.escape {
		return t.w.Write(p)
	}
	text := append(t.rest, p...)
	end := len(text)
	for i := max(0, end-utf8.UTFMax); i < end; i++ {
		if !utf8.FullRune(text[i:]) {
			end = i
		}
	}
	t.rest = bytes.Clone(text[end:])
	if _, err := io.WriteString(t.w, printableLines(string(text[:end]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// endLine ends the last line.
func (t *errorText) endLine() {
	io.WriteString(t.w, printable(string(t.rest)))
	t.rest = nil
	if t.last != 0 && t.last != '\n' {
		io.WriteString(t.w, "\n")
	}
}
