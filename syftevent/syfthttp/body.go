package syfthttp

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// A body is the body of a request or a response. As in net/http, reading fails after Close.
type body struct {
	mu     sync.Mutex
	reader *bytes.Reader
	closed bool
}

func newBody(data []byte) io.ReadCloser {
	if len(data) == 0 {
		return http.NoBody
	}
	return &body{reader: bytes.NewReader(data)}
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.reader.Read(p)
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}
