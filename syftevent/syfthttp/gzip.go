package syfthttp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent"
)

// asksForGzip asks for a compressed response under the conditions of [http.Transport], and
// reports whether it did.
func asksForGzip(r *http.Request, req *syftevent.Request) bool {
	if r.Header.Get("Accept-Encoding") != "" || r.Header.Get("Range") != "" || r.Method == http.MethodHead {
		return false
	}
	req.Headers.Set("Accept-Encoding", "gzip")
	return true
}

// decompress makes the body of a response the decompressed one, if the Transport has asked for
// compression. FastSyftBox sends decompressed bodies with the Content-Encoding that they had, in
// any case; that header is removed.
func decompress(response *http.Response, body []byte, asked bool) {
	if len(body) == 0 || !strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		return
	}
	plain := !bytes.HasPrefix(body, []byte{0x1f, 0x8b})
	if !plain && !asked {
		return
	}
	response.Header.Del("Content-Encoding")
	if plain {
		return
	}
	response.Header.Del("Content-Length")
	response.ContentLength, response.Uncompressed = -1, true
	response.Body = &gzipBody{compressed: body}
}

// A gzipBody is a body that is decompressed as it is read.
type gzipBody struct {
	compressed []byte

	mu     sync.Mutex
	reader *gzip.Reader
	err    error // of every further Read
}

func (b *gzipBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reader == nil && b.err == nil {
		if b.reader, b.err = gzip.NewReader(bytes.NewReader(b.compressed)); b.err != nil {
			b.err = fmt.Errorf("syfthttp: decompress response: %w", b.err)
		}
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.reader.Read(p)
}

func (b *gzipBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = http.ErrBodyReadAfterClose
	return nil
}
