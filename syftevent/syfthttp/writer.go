package syfthttp

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A writer is the http.ResponseWriter of one request. Its methods may be called concurrently,
// also after the handler has returned, which a handler must not do but some do.
type writer struct {
	head bool // the method is HEAD

	mu       sync.Mutex
	header   http.Header // what Header returns
	status   int         // 0 before WriteHeader
	sent     http.Header // the headers when WriteHeader was called
	declared int64       // Content-Length of sent; -1 for none
	written  int64       // bytes given to Write
	body     []byte
	tooLarge bool
	ended    bool
}

var (
	errEnded    = errors.New("syfthttp: write after the handler returned")
	errTooLarge = fmt.Errorf("syfthttp: response body exceeds the limit of %d bytes", MaxBody)
	errFlush    = fmt.Errorf("syfthttp: a response is published as one file, it cannot be flushed: %w", errors.ErrUnsupported)
)

func newWriter(method string) *writer {
	return &writer{head: method == http.MethodHead, header: http.Header{}}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Informational responses are dropped: a caller gets
// one response.
func (w *writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *writer) writeHeader(status int) {
	if w.ended || w.status != 0 {
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("syfthttp: invalid status %d", status)) // as in net/http
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.commit(status)
}

// commit sets the status and the headers of the response.
func (w *writer) commit(status int) {
	w.status, w.sent, w.declared = status, w.header.Clone(), -1
	if w.sent == nil {
		w.sent = http.Header{}
	}
	if text := w.sent.Get("Content-Length"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			w.declared = n
		} else {
			w.sent.Del("Content-Length")
		}
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return 0, errEnded
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.declared >= 0 && w.written > w.declared {
		return 0, http.ErrContentLength
	}
	if w.head {
		if len(w.body) < sniffed {
			w.body = append(w.body, p[:min(len(p), sniffed-len(w.body))]...)
		}
		return len(p), nil
	}
	if w.tooLarge || len(p) > MaxBody-len(w.body) {
		w.tooLarge, w.body = true, nil
		return 0, errTooLarge
	}
	w.body = append(w.body, p...)
	return len(p), nil
}

// FlushError is what [http.ResponseController.Flush] calls.
func (w *writer) FlushError() error { return errFlush }

// end makes later calls of Write fail, and returns the status; 0 means that the handler has written
// nothing.
func (w *writer) end() (status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	return w.status
}

// sniffed is the number of bytes that [http.DetectContentType] considers.
const sniffed = 512

// response returns what the handler has written, with the headers that a server of net/http adds.
// It is called after end.
func (w *writer) response() (*syftevent.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 {
		w.commit(http.StatusOK)
	}
	switch {
	case w.tooLarge:
		return nil, errTooLarge
	case !w.head && bodyAllowed(w.status) && int64(len(w.body)) < w.declared:
		return nil, fmt.Errorf("syfthttp: handler declared a Content-Length of %d bytes and wrote %d", w.declared, len(w.body))
	}
	h, response := w.sent, &syftevent.Response{StatusCode: w.status}
	switch {
	case !bodyAllowed(w.status):
		h.Del("Content-Length")
		if w.status == http.StatusNotModified {
			h.Del("Content-Type")
		}
	default:
		if _, set := h["Content-Type"]; !set && len(w.body) > 0 && h.Get("Content-Encoding") == "" {
			h.Set("Content-Type", http.DetectContentType(w.body))
		}
		if w.declared < 0 && (!w.head || w.written > 0) {
			h.Set("Content-Length", strconv.FormatInt(w.written, 10))
		}
		if !w.head {
			response.Body = w.body
		}
	}
	for name := range h {
		if !isToken(name) { // as in net/http, which uses some of them for trailers
			delete(h, name)
		}
	}
	h.Del(statusHeader)
	if !protocol.ValidStatus(w.status) {
		h.Set(statusHeader, strconv.Itoa(w.status))
		response.StatusCode = classStatus(w.status)
	}
	response.Headers = writeHeaders(h)
	return response, nil
}

// classStatus returns the status by which a client that does not know a status understands it
// (RFC 9110, section 15).
func classStatus(status int) int {
	if status >= 600 {
		return http.StatusInternalServerError
	}
	return status / 100 * 100
}

// bodyAllowed reports whether a response with the status may have a body (RFC 9110, section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
