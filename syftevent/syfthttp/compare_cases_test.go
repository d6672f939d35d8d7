package syfthttp_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing/fstest"
	"time"
)

type handlerFunc = http.HandlerFunc

// text returns a handler that responds with a text.
func text(s string) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s) })
}

// status returns a handler that responds with a status and a text.
func status(code int) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, "text")
	})
}

// echo responds with the body of the request.
var echo = handlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(body)
})

// withHeader returns a handler that sets headers, given as names and values.
func withHeader(pairs ...string) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			w.Header().Add(pairs[i], pairs[i+1])
		}
		io.WriteString(w, "text")
	})
}

// site is what file servers serve.
var site = fstest.MapFS{
	"index.html":      {Data: []byte("<html>index</html>")},
	"docs/index.html": {Data: []byte("<html>docs</html>")},
	"docs/a b%c.txt":  {Data: []byte("text")},
	"data.bin":        {Data: bytes.Repeat([]byte{0, 1, 2, 3}, 1000)},
	"empty.txt":       {},
}

var modified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// content serves ten bytes with a modification time and an entity tag.
var content = handlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Etag", `"v1"`)
	http.ServeContent(w, r, "a.txt", modified, strings.NewReader("0123456789"))
})

// routes is a multiplexer with patterns of all kinds.
func routes() http.Handler {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, r *http.Request) {
		note(r, "pattern %q name %q rest %q", r.Pattern, r.PathValue("name"), r.PathValue("rest"))
		io.WriteString(w, r.Pattern)
	}
	for _, pattern := range []string{
		"GET /items/{name}", "DELETE /items/{name}", "/tree/{rest...}", "GET /exact/{$}", "/dir/", "POST /form",
	} {
		mux.HandleFunc(pattern, say)
	}
	return mux
}

// redirects redirects /N to the path, and answers at other paths.
func redirects(code int, location string) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from/here" {
			http.Redirect(w, r, location, code)
			return
		}
		io.WriteString(w, r.Method+" "+r.URL.Path)
	})
}

// compressed compresses with gzip what a handler writes, if the client asks for it.
func compressed(h http.Handler) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		z := gzip.NewWriter(w)
		h.ServeHTTP(compressedWriter{w, z}, r)
		z.Close()
	})
}

type compressedWriter struct {
	http.ResponseWriter
	io.Writer
}

func (w compressedWriter) Write(p []byte) (int, error) { return w.Writer.Write(p) }

// A countingWriter is a middleware's ResponseWriter.
type countingWriter struct {
	http.ResponseWriter
	status, written int
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.written += n
	return n, err
}

func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func comparisons() []comparison {
	large := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	noRedirect := func(c *http.Client) {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	referer := difference{`["BASE/from/here"]`, `["syft://example.com/app_data/web/rpc/from/here"]`}
	internalError := func(httpError string) map[string]difference {
		return map[string]difference{
			"error":                 {http: httpError},
			"status":                {syft: "500 Internal Server Error"},
			"length":                {syft: "46"},
			"uncompressed":          {syft: "false"},
			"url":                   {syft: "BASE/"},
			"header Content-Type":   {syft: `["text/plain; charset=utf-8"]`},
			"header Content-Length": {syft: `["46"]`},
			"body":                  {syft: `"Internal server error. Please try again later."`},
		}
	}

	cases := []comparison{
		// Errors of net/http, and bodies.
		{
			name:    "http.Error",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no\tsuch", 404) }),
			want:    observations{"status": "404 Not Found", "body": `"no\tsuch\n"`, "header X-Content-Type-Options": `["nosniff"]`},
		},
		{
			name:    "handler that does nothing",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {}),
			want:    observations{"status": "200 OK", "length": "0", "header Content-Length": `["0"]`, "1 no body": "true"},
		},
		{name: "body echoed", handler: echo, method: "POST", body: strings.NewReader("hello"), want: observations{"body": `"hello"`, "1 length": "5"}},
		{name: "large body both ways", handler: echo, method: "PUT", body: bytes.NewReader(large), want: observations{"status": "200 OK", "length": fmt.Sprint(len(large))}},
		{name: "binary body both ways", handler: echo, method: "POST", body: bytes.NewReader(every), want: observations{"length": "256"}},
		{
			name: "empty body", handler: echo, method: "POST", body: strings.NewReader(""),
			// http.Client makes NoBody of it.
			differ: map[string]difference{"1 header Content-Length": {http: `["0"]`}},
		},
		{
			name: "no body of POST", handler: echo, method: "POST",
			differ: map[string]difference{"1 header Content-Length": {http: `["0"]`}},
		},
		{name: "no body of DELETE", handler: echo, method: "DELETE", want: observations{"1 no body": "true", "1 length": "0"}},
		{name: "body of GET", handler: echo, method: "GET", body: strings.NewReader("hello"), want: observations{"1 body": `"hello"`}},
		{
			name: "body of unknown length", handler: echo, want: observations{"body": `"hello"`},
			do: func(c *http.Client, base string) (*http.Response, error) {
				return c.Post(base+"/", "a/b", io.MultiReader(strings.NewReader("hello")))
			},
			differ: map[string]difference{
				// A request in a file is never chunked.
				"1 length":                {"-1", "5"},
				"1 header Content-Length": {syft: `["5"]`},
				"1 proto":                 {"HTTP/1.1 [chunked] map[]", "HTTP/1.1 [] map[]"},
			},
		},
		{
			name: "body not read by the handler", handler: text("text"), method: "POST", body: strings.NewReader("hello"),
			want: observations{"body": `"text"`},
		},
		{
			name: "body closed by the handler", method: "POST", body: strings.NewReader("hello"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Body.Close()
				_, err := r.Body.Read(make([]byte, 1))
				note(r, "%v", err)
			}),
			want: observations{"1 note": http.ErrBodyReadAfterClose.Error()},
		},
		{
			name: "body replaced by the handler", method: "POST", body: strings.NewReader("hello"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Body = nil }),
			want:    observations{"status": "200 OK"},
		},
		{
			name: "ContentLength of the response body", handler: text("hello"),
			want: observations{"length": "5", "header Content-Length": `["5"]`},
		},
		{
			name: "several writes", want: observations{"body": `"abc"`, "header Content-Type": `["text/plain; charset=utf-8"]`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, s := range []string{"a", "", "b", "c"} {
					n, err := io.WriteString(w, s)
					note(r, "%d %v", n, err)
				}
			}),
		},

		// http.ServeContent and file servers.
		{name: "range", handler: content, header: http.Header{"Range": {"bytes=2-4"}}, want: observations{"status": "206 Partial Content", "body": `"234"`, "header Content-Range": `["bytes 2-4/10"]`}},
		{
			name: "several ranges", handler: content, header: http.Header{"Range": {"bytes=0-0,-1"}},
			do: func(c *http.Client, base string) (*http.Response, error) {
				r, _ := http.NewRequest("GET", base+"/", nil)
				r.Header.Set("Range", "bytes=0-0,-1")
				response, err := c.Do(r)
				if err != nil {
					return nil, err
				}
				// The boundary is random.
				body, err := io.ReadAll(response.Body)
				kind, boundary, _ := strings.Cut(response.Header.Get("Content-Type"), "boundary=")
				response.Header.Set("Content-Type", kind)
				response.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), boundary, "BOUNDARY")))
				return response, err
			},
			want: observations{"status": "206 Partial Content", "header Content-Type": `["multipart/byteranges; "]`},
		},
		{name: "unsatisfiable range", handler: content, header: http.Header{"Range": {"bytes=20-"}}, want: observations{"status": "416 Requested Range Not Satisfiable"}},
		{name: "If-None-Match", handler: content, header: http.Header{"If-None-Match": {`"v0", "v1"`}}, want: observations{"status": "304 Not Modified", "length": "0"}},
		{name: "If-Modified-Since", handler: content, header: http.Header{"If-Modified-Since": {modified.Format(http.TimeFormat)}}, want: observations{"status": "304 Not Modified"}},
		{name: "If-Match", handler: content, header: http.Header{"If-Match": {`"v0"`}}, want: observations{"status": "412 Precondition Failed"}},
		{name: "HEAD of content", handler: content, method: "HEAD", want: observations{"length": "10", "header Content-Length": `["10"]`}},
		{name: "file server: index", handler: http.FileServerFS(site), want: observations{"body": `"<html>index</html>"`}},
		{name: "file server: directory", handler: http.FileServerFS(site), path: "/docs/", want: observations{"body": `"<html>docs</html>"`}},
		{name: "file server: directory without slash", handler: http.FileServerFS(site), path: "/docs?a=1", want: observations{"body": `"<html>docs</html>"`, "url": "BASE/docs/?a=1"},
			differ: map[string]difference{"2 header Referer": {`["BASE/docs?a=1"]`, `["syft://example.com/app_data/web/rpc/docs?a=1"]`}}},
		{name: "file server: redirect from index.html", handler: http.FileServerFS(site), path: "/docs/index.html", client: noRedirect, want: observations{"status": "301 Moved Permanently", "location": "BASE/docs/"}},
		{name: "file server: redirect to the root", handler: http.FileServerFS(site), path: "/index.html", client: noRedirect, want: observations{"location": "BASE/"}},
		{name: "file server: escaped name", handler: http.FileServerFS(site), path: "/docs/a%20b%25c.txt", want: observations{"body": `"text"`, "1 path": `"/docs/a b%c.txt"`}},
		{name: "file server: binary file", handler: http.FileServerFS(site), path: "/data.bin", want: observations{"length": "4000"}},
		{name: "file server: empty file", handler: http.FileServerFS(site), path: "/empty.txt", want: observations{"length": "0"}},
		{name: "file server: missing file", handler: http.FileServerFS(site), path: "/missing", want: observations{"status": "404 Not Found"}},
		{name: "http.StripPrefix", handler: http.StripPrefix("/static", http.FileServerFS(site)), path: "/static/docs/", want: observations{"body": `"<html>docs</html>"`}},
		{name: "http.StripPrefix with another prefix", handler: http.StripPrefix("/static", http.FileServerFS(site)), path: "/docs/", want: observations{"status": "404 Not Found"}},

		// Redirects.
		{name: "redirect 301 of POST", handler: redirects(301, "/to"), method: "POST", path: "/from/here", body: strings.NewReader("a"), want: observations{"body": `"GET /to"`}, differ: map[string]difference{"2 header Referer": referer}},
		{name: "redirect 302 to a relative path", handler: redirects(302, "../to?a=b"), path: "/from/here", want: observations{"body": `"GET /to"`, "2 query": "a=b"}, differ: map[string]difference{"2 header Referer": referer}},
		{name: "redirect 303 of PUT", handler: redirects(303, "there"), method: "PUT", path: "/from/here", body: strings.NewReader("a"), want: observations{"body": `"GET /from/there"`}, differ: map[string]difference{"2 header Referer": referer}},
		{name: "redirect 307 with a body", handler: redirects(307, "/to"), method: "POST", path: "/from/here", body: strings.NewReader("hello"), want: observations{"body": `"POST /to"`, "2 body": `"hello"`}, differ: map[string]difference{"2 header Referer": referer}},
		{name: "redirect 308 with a body", handler: redirects(308, "/to"), method: "PATCH", path: "/from/here", body: strings.NewReader("hello"), want: observations{"body": `"PATCH /to"`, "2 body": `"hello"`}, differ: map[string]difference{"2 header Referer": referer}},
		{name: "redirect to an escaped path", handler: redirects(302, "/a%20b%25/%C3%A9#f"), path: "/from/here", want: observations{"2 path": `"/a b%/é"`}, differ: map[string]difference{"2 header Referer": referer}},
		{
			name: "redirect above the root", path: "/a", want: observations{"location": "BASE/b"}, client: noRedirect,
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "../../b")
				w.WriteHeader(302)
			}),
		},
		{
			name: "redirect relative to the root", want: observations{"location": "BASE/b"},
			do: func(c *http.Client, base string) (*http.Response, error) {
				c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				return c.Get(base)
			},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "b")
				w.WriteHeader(302)
			}),
			differ: map[string]difference{"1 header X-Syft-Url": {syft: `["BASE"]`}},
		},
		{name: "redirect to another host", handler: redirects(302, "https://elsewhere.example/a?b"), path: "/from/here", client: noRedirect, want: observations{"location": "https://elsewhere.example/a?b"}},
		{name: "redirect to a host without a scheme", handler: redirects(302, "//elsewhere.example/a"), path: "/from/here", client: noRedirect,
			differ: map[string]difference{"location": {"http://elsewhere.example/a", "syft://elsewhere.example/a"}}},
		{
			name: "redirect loop", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, 302) }), path: "/loop",
			client: func(c *http.Client) {
				c.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
					if len(via) == 2 {
						return errors.New("stopped after 2 redirects")
					}
					return nil
				}
			},
			want:   observations{"error": "stopped after 2 redirects", "status": "302 Found"},
			differ: map[string]difference{"2 header Referer": {`["BASE/loop"]`, `["syft://example.com/app_data/web/rpc/loop"]`}},
		},
		{
			name: "redirect without Location", handler: status(302), want: observations{"status": "302 Found", "body": `"text"`},
		},

		// http.ServeMux.
		{name: "mux: path value", handler: routes(), path: "/items/a%20b", want: observations{"1 note": `pattern "GET /items/{name}" name "a b" rest ""`}},
		{name: "mux: HEAD of a GET pattern", handler: routes(), method: "HEAD", path: "/items/a", want: observations{"status": "200 OK", "body": ""}},
		{name: "mux: method", handler: routes(), method: "DELETE", path: "/items/a", want: observations{"body": `"DELETE /items/{name}"`}},
		{name: "mux: method not allowed", handler: routes(), method: "PUT", path: "/items/a", differ: map[string]difference{"1 header Content-Length": {http: `["0"]`}},
			want: observations{"status": "405 Method Not Allowed", "header Allow": `["DELETE, GET, HEAD"]`}},
		{name: "mux: not found", handler: routes(), path: "/none", want: observations{"status": "404 Not Found"}},
		{name: "mux: rest", handler: routes(), path: "/tree/a/b%2520c/", want: observations{"1 note": `pattern "/tree/{rest...}" name "" rest "a/b%20c/"`}},
		{name: "mux: empty rest", handler: routes(), path: "/tree/", want: observations{"1 note": `pattern "/tree/{rest...}" name "" rest ""`}},
		{name: "mux: exact with slash", handler: routes(), path: "/exact/", want: observations{"body": `"GET /exact/{$}"`}},
		{name: "mux: exact below", handler: routes(), path: "/exact/a", want: observations{"status": "404 Not Found"}},
		{name: "mux: trailing slash redirect", handler: routes(), path: "/dir?a=b", client: noRedirect, want: observations{"location": "BASE/dir/?a=b"}},
		{name: "mux: cleaned path", handler: routes(), path: "/dir//a", client: noRedirect, want: observations{"location": "BASE/dir/a", "1 path": `"/dir//a"`}},
		{
			name: "mux: host pattern", path: "/a",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mux := http.NewServeMux()
				mux.Handle("bob@example.com/a", text("of bob"))
				mux.Handle("/a", text("of any"))
				mux.ServeHTTP(w, r)
			}),
			differ: map[string]difference{"body": {`"of any"`, `"of bob"`}}, // Host is the owner
		},

		// Paths and queries.
		{name: "path: Unicode", handler: echo, path: "/é/日本", want: observations{"1 path": `"/é/日本"`}},
		{name: "path: escaped Unicode", handler: echo, path: "/%C3%A9", want: observations{"1 path": `"/é"`, "1 uri": "/%C3%A9"}},
		{name: "path: space", handler: echo, path: "/a%20b", want: observations{"1 path": `"/a b"`, "1 uri": "/a%20b"}},
		{name: "path: percent sign", handler: echo, path: "/100%25", want: observations{"1 path": `"/100%"`}},
		{name: "path: escaped escape", handler: echo, path: "/100%2525", want: observations{"1 path": `"/100%25"`, "1 uri": "/100%2525"}},
		{name: "path: plus", handler: echo, path: "/a+b", want: observations{"1 path": `"/a+b"`}},
		{
			name: "path: needless escape", handler: echo, path: "/a%2Bb", want: observations{"1 path": `"/a+b"`},
			// The folder has no escapes.
			differ: map[string]difference{"1 raw path": {"/a%2Bb", ""}, "1 uri": {"/a%2Bb", "/a+b"}},
		},
		{name: "path: punctuation", handler: echo, path: "/a;b,c=d:e@f&g$h!i'(j)*~", want: observations{"1 path": `"/a;b,c=d:e@f&g$h!i'(j)*~"`},
			differ: map[string]difference{ // encoded anew
				"1 raw path": {"/a;b,c=d:e@f&g$h!i'(j)*~", ""},
				"1 uri":      {"/a;b,c=d:e@f&g$h!i'(j)*~", "/a;b,c=d:e@f&g$h%21i%27%28j%29%2A~"},
			}},
		{name: "path: quotes and brackets", handler: echo, path: "/%22%3C%5B%7B%7D%5D%3E%7C%5E%60", want: observations{"1 path": "\"/\\\"<[{}]>|^`\""}},
		{name: "path: trailing slash", handler: echo, path: "/a/b/", want: observations{"1 path": `"/a/b/"`}},
		{name: "path: repeated slashes", handler: echo, path: "/a///b//", want: observations{"1 path": `"/a///b//"`}},
		{name: "path: slashes at the beginning", handler: echo, path: "//a", differ: map[string]difference{
			"1 path": {`"//a"`, `"/a"`}, "1 uri": {"//a", "/a"}, "1 header X-Syft-Url": {"", `["BASE//a"]`},
		}},
		{
			name: "path: encoded slash", handler: echo, path: "/a%2Fb",
			// Transport refuses it: the path names folders.
			differ: map[string]difference{
				"error":  {syft: "syfthttp: bad URL BASE/a%2Fb: has an encoded slash, question mark or number sign in its path, which names folders"},
				"1 path": {http: `"/a/b"`}, "1 method": {http: "GET"}, "1 raw path": {http: "/a%2Fb"}, "1 uri": {http: "/a%2Fb"},
				"1 no body": {http: "true"}, "1 length": {http: "0"}, "1 header Accept-Encoding": {http: `["gzip"]`}, "1 proto": {http: "HTTP/1.1 [] map[]"},
				"status": {http: "200 OK"}, "length": {http: "0"}, "uncompressed": {http: "false"}, "url": {http: "BASE/a%2Fb"},
				"header Content-Type": {http: `["application/octet-stream"]`}, "header Content-Length": {http: `["0"]`},
			},
		},
		{
			name: "query: values", path: "/?q=a+b%26c&q=%C3%A9&empty=&flag", want: observations{"1 note": `"a b&c" "é" "" true`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				note(r, "%q %q %q %v", q["q"][0], q["q"][1], q.Get("empty"), q.Has("flag"))
			}),
		},
		{
			name: "query: semicolon", path: "/?a=1;b=2&c=3", want: observations{"1 query": "a=1;b=2&c=3"},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { note(r, "%v %v", r.ParseForm(), r.Form) }),
		},
		{name: "query: question mark, slash and invalid escape", handler: echo, path: "/a?b?c/d=%zz", want: observations{"1 query": "b?c/d=%zz"}},
		{name: "query: raw Unicode", handler: echo, path: "/?q=é", want: observations{"1 query": "q=é"}},
		{name: "query: at the root", handler: echo, path: "/?a=b", want: observations{"1 uri": "/?a=b"}},
		{name: "fragment is not sent", handler: echo, path: "/a?b#c", want: observations{"1 uri": "/a?b", "url": "BASE/a?b#c"}},
		{
			name: "query: empty", handler: echo, path: "/a?",
			differ: map[string]difference{"1 uri": {"/a?", "/a"}}, // the URL of the file has none
		},

		// Forms.
		{
			name: "form", method: "POST", path: "/?q=query&both=1", header: form, body: strings.NewReader("a=1+2&both=2&%C3%A9=%26"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				note(r, "%q %v %v", r.FormValue("both"), r.Form, r.PostForm)
			}),
			want: observations{"1 note": `"2" map[a:[1 2] both:[2 1] q:[query] é:[&]] map[a:[1 2] both:[2] é:[&]]`},
		},
		{
			name: "multipart upload", want: observations{"1 note": `a.bin application/octet-stream 512 true; field "value"`},
			do: func(c *http.Client, base string) (*http.Response, error) {
				var body bytes.Buffer
				m := multipart.NewWriter(&body)
				m.SetBoundary("boundary")
				m.WriteField("field", "value")
				part, _ := m.CreateFormFile("file", "a.bin")
				part.Write(every)
				part.Write(every)
				m.Close()
				return c.Post(base+"/upload", m.FormDataContentType(), &body)
			},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				file, header, err := r.FormFile("file")
				if err != nil {
					http.Error(w, err.Error(), 400)
					return
				}
				defer file.Close()
				data, _ := io.ReadAll(file)
				note(r, "%s %s %d %v", header.Filename, header.Header.Get("Content-Type"), header.Size, bytes.Equal(data[256:], every))
				note(r, "field %q", r.FormValue("field"))
			}),
		},
		{
			name: "http.MaxBytesReader", method: "POST", body: strings.NewReader("0123456789"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4))
				var tooLarge *http.MaxBytesError
				note(r, "%q %v", data, errors.As(err, &tooLarge))
				http.Error(w, err.Error(), 413)
			}),
			want: observations{"status": "413 Request Entity Too Large", "1 note": `"0123" true`},
		},
		{
			name: "http.MaxBytesHandler", method: "POST", body: strings.NewReader("0123456789"), header: form,
			handler: http.MaxBytesHandler(handlerFunc(func(w http.ResponseWriter, r *http.Request) { note(r, "%v", r.ParseForm()) }), 4),
			want:    observations{"1 note": "http: request body too large"},
		},

		// Headers.
		{
			name: "several values of a request header", handler: echo, header: http.Header{"X-Many": {"1", "2"}, "Accept": {"a/b", "c/d;q=0.1"}},
			differ: map[string]difference{ // joined
				"1 header X-Many": {`["1" "2"]`, `["1, 2"]`},
				"1 header Accept": {`["a/b" "c/d;q=0.1"]`, `["a/b, c/d;q=0.1"]`},
			},
		},
		{
			name: "several values of a response header", handler: withHeader("X-Many", "1", "X-Many", "2", "Vary", "Cookie"), want: observations{"header Vary": `["Cookie"]`},
			differ: map[string]difference{"header X-Many": {`["1" "2"]`, `["1, 2"]`}},
		},
		{name: "request header values", handler: echo, header: http.Header{"X-Space": {" \ta  b\t "}, "X-Unicode": {"é日"}, "X-Quote": {`"\"`}, "X-Empty": {""}, "User-Agent": {"test"}},
			want: observations{"1 header X-Space": `["a  b"]`, "1 header User-Agent": `["test"]`, "1 header X-Empty": `[""]`}},
		{name: "request header names", handler: echo, header: http.Header{"x-lower": {"1"}, "X_Under": {"2"}, "X.Dot!": {"3"}}, want: observations{"1 header X-Lower": `["1"]`, "1 header X_under": `["2"]`}},
		{name: "response header values", handler: withHeader("X-Space", "  a  b  ", "X-Unicode", "é", "X-Empty", "", "X-Tab", "a\tb"), want: observations{"header X-Space": `["a  b"]`, "header X-Empty": `[""]`}},
		{name: "newline in a response header", handler: withHeader("X-Lines", "a\r\nX-Forged: b"), want: observations{"header X-Lines": `["a  X-Forged: b"]`}},
		{
			name: "response header that is not UTF-8", handler: withHeader("X-Latin", "caf\xe9"),
			differ: map[string]difference{"header X-Latin": {`["caf\xe9"]`, `["caf�"]`}},
		},
		{
			name: "control character in a response header", handler: withHeader("X-Control", "a\x01b"),
			differ: map[string]difference{
				"error": {"net/http: HTTP/1.x transport connection broken: malformed MIME header line: \"X-Control: a\\x01b\"", "syfthttp: malformed response: invalid value of header X-Control: \"a\\x01b\""},
			},
		},
		{name: "invalid names of response headers", handler: withHeader("X Space", "1", "X:Colon", "2", "", "3", "X-é", "4", "X-Good", "5"), want: observations{"header X-Good": `["5"]`}},
		{
			name: "names of response headers in lower case", want: observations{"header X-Lower": `["1" "2"]`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["x-lower"] = []string{"2"}
				w.Header()["X-Lower"] = []string{"1"}
			}),
		},
		{name: "headers of a connection in the response", handler: withHeader("Keep-Alive", "timeout=5", "Upgrade", "h2c"),
			differ: map[string]difference{"header Keep-Alive": {`["timeout=5"]`, ""}, "header Upgrade": {`["h2c"]`, ""}}},
		{name: "headers of a connection in the request", handler: echo, header: http.Header{"Keep-Alive": {"timeout=5"}, "Te": {"trailers"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}},
			differ: map[string]difference{"1 header Keep-Alive": {`["timeout=5"]`, ""}, "1 header Te": {`["trailers"]`, ""}, "1 header Connection": {`["X-Hop"]`, ""}, "1 header X-Hop": {`["1"]`, ""}}},
		{
			name: "forged identity", handler: echo, header: http.Header{"X-Syft-From": {"carol@example.com"}, "X_syft_from": {"carol@example.com"}, "X-Syft-Url": {"syft://"}},
			differ: map[string]difference{
				"1 header X-Syft-From": {`["carol@example.com"]`, ""}, // the observer checks that it is alice's
				"1 header X_syft_from": {`["carol@example.com"]`, ""},
				"1 header X-Syft-Url":  {`["syft://"]`, ""},
			},
		},
		{
			name: "headers set after WriteHeader",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Before", "1")
				w.WriteHeader(201)
				w.Header().Set("X-After", "1")
				w.Header().Set("X-Before", "2")
				io.WriteString(w, "text")
			}),
			want: observations{"status": "201 Created", "header X-Before": `["1"]`, "header X-After": ""},
		},
		{
			name: "headers set after Write",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "text")
				w.Header().Set("X-After", "1")
				w.Header().Set("Content-Type", "a/b")
			}),
			want: observations{"header X-After": "", "header Content-Type": `["text/plain; charset=utf-8"]`},
		},
		{
			name: "superfluous WriteHeader",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(202)
				w.WriteHeader(500)
				w.WriteHeader(0)
				io.WriteString(w, "text")
			}),
			want: observations{"status": "202 Accepted", "body": `"text"`},
		},
		{name: "invalid status", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }), differ: internalError("EOF")},
		{name: "cookies in the request", header: http.Header{"Cookie": {`a=1; b="x y"`, "c=3"}},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, c := range r.Cookies() {
					note(r, "%s=%s", c.Name, c.Value)
				}
			}),
			want:   observations{"1 note": "a=1; b=x y; c=3"},
			differ: map[string]difference{"1 header Cookie": {`["a=1; b=\"x y\"" "c=3"]`, `["a=1; b=\"x y\"; c=3"]`}}},
		{
			name: "several cookies in the response",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Expires: modified, Path: "/", HttpOnly: true})
				http.SetCookie(w, &http.Cookie{Name: "b", Value: "x, c=2, d", MaxAge: 60, Secure: true, SameSite: http.SameSiteLaxMode})
				http.SetCookie(w, &http.Cookie{Name: "e", Value: "", Expires: modified.AddDate(0, 1, 0)})
				w.Header().Add("Set-Cookie", "f=g=h")
			}),
			want: observations{"header Set-Cookie": `["a=1; Path=/; Expires=Fri, 02 Jan 2026 03:04:05 GMT; HttpOnly" "b=\"x, c=2, d\"; Max-Age=60; Secure; SameSite=Lax" "e=; Expires=Mon, 02 Feb 2026 03:04:05 GMT" "f=g=h"]`},
		},
		{
			name: "basic authentication", header: http.Header{"Authorization": {"Basic YWxpY2U6cGFzcw=="}},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, ok := r.BasicAuth()
				note(r, "%s %s %v", user, password, ok)
			}),
			want: observations{"1 note": "alice pass true"},
		},
		{
			name: "no authentication",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _, ok := r.BasicAuth()
				note(r, "%v", ok)
				w.Header().Set("WWW-Authenticate", `Basic realm="a, b"`)
				w.WriteHeader(401)
			}),
			want: observations{"status": "401 Unauthorized", "1 note": "false", "header Www-Authenticate": `["Basic realm=\"a, b\""]`},
		},

		// Content-Type and Content-Length.
		{name: "sniffed HTML", handler: text("<!DOCTYPE html><p>"), want: observations{"header Content-Type": `["text/html; charset=utf-8"]`}},
		{name: "sniffed PNG", handler: text("\x89PNG\x0D\x0A\x1A\x0A"), want: observations{"header Content-Type": `["image/png"]`}},
		{
			name: "sniffed over several writes", want: observations{"header Content-Type": `["application/pdf"]`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "%P")
				io.WriteString(w, "DF-1.7")
			}),
		},
		{
			name: "sniffing suppressed", want: observations{"header Content-Type": ""},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				io.WriteString(w, "<html>")
			}),
		},
		{name: "empty Content-Type", handler: withHeader("Content-Type", ""), want: observations{"header Content-Type": `[""]`}},
		{name: "not sniffed with Content-Encoding", handler: withHeader("Content-Encoding", "br"), want: observations{"header Content-Type": "", "header Content-Encoding": `["br"]`}},
		{name: "Content-Length declared right", handler: withHeader("Content-Length", "4"), want: observations{"length": "4", "body": `"text"`}},
		{
			name: "Content-Length declared too large", handler: withHeader("Content-Length", "10"),
			differ: func() map[string]difference {
				differ := internalError("")
				differ["status"] = difference{"200 OK", "500 Internal Server Error"}
				differ["length"] = difference{"10", "46"}
				differ["uncompressed"] = difference{"false", "false"}
				differ["url"] = difference{"BASE/", "BASE/"}
				differ["body"] = difference{`"text"`, `"Internal server error. Please try again later."`}
				differ["body error"] = difference{http: "unexpected EOF"}
				differ["header Content-Length"] = difference{`["10"]`, `["46"]`}
				differ["header Content-Type"] = difference{`["text/plain; charset=utf-8"]`, `["text/plain; charset=utf-8"]`}
				return differ
			}(),
		},
		{
			name: "write that exceeds the Content-Length",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "4")
				n, err := io.WriteString(w, "text")
				note(r, "%d %v", n, err)
				n, err = io.WriteString(w, "more")
				note(r, "%d %v", n, err)
			}),
			want: observations{"body": `"text"`, "1 note": "4 <nil>; 0 http: wrote more than the declared Content-Length"},
		},
		{
			name: "only write exceeds the Content-Length",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "4")
				w.Header()["Content-Type"] = nil
				_, err := io.WriteString(w, "longer")
				note(r, "%v", err)
			}),
			want: observations{"1 note": "http: wrote more than the declared Content-Length"},
			differ: map[string]difference{
				"status": {"200 OK", "500 Internal Server Error"}, "length": {"4", "46"},
				"body": {"", `"Internal server error. Please try again later."`}, "body error": {"unexpected EOF", ""},
				"header Content-Length": {`["4"]`, `["46"]`}, "header Content-Type": {"", `["text/plain; charset=utf-8"]`},
			},
		},
		{name: "Content-Length that is no number", handler: withHeader("Content-Length", "four"), want: observations{"body": `"text"`, "length": "4"}},

		// Statuses without a body, HEAD and informational responses.
		{
			name: "204", want: observations{"status": "204 No Content", "length": "0", "1 note": "http: request method or response status code does not allow body"},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "4")
				w.WriteHeader(204)
				_, err := io.WriteString(w, "text")
				note(r, "%v", err)
			}),
		},
		{
			name: "304", want: observations{"status": "304 Not Modified", "length": "0", "header Content-Type": "", "header Etag": `["a"]`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "4")
				w.Header().Set("Content-Type", "a/b")
				w.Header().Set("Etag", "a")
				w.WriteHeader(304)
			}),
		},
		{name: "HEAD with a body written", handler: text("text"), method: "HEAD", want: observations{"length": "4", "header Content-Type": `["text/plain; charset=utf-8"]`}},
		{name: "HEAD without a body written", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {}), method: "HEAD", want: observations{"length": "-1", "header Content-Length": ""}},
		{name: "HEAD with a declared Content-Length", method: "HEAD", want: observations{"length": "1000"},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "1000") })},
		{
			name: "HEAD with a large body written", handler: text(strings.Repeat("a", 5000)), method: "HEAD",
			differ: map[string]difference{ // net/http does not count what it does not buffer
				"length":                {"-1", "5000"},
				"header Content-Length": {"", `["5000"]`},
			},
		},
		{name: "HEAD with status 204", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }), method: "HEAD", want: observations{"status": "204 No Content"}},
		{
			name: "early hints", want: observations{"status": "200 OK", "header Link": `["</a.css>; rel=preload"]`, "body": `"text"`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", "</a.css>; rel=preload")
				w.WriteHeader(103)
				w.WriteHeader(102)
				w.WriteHeader(200)
				io.WriteString(w, "text")
			}),
		},

		// Compression.
		{name: "gzip", handler: compressed(text("hello hello hello")), want: observations{"body": `"hello hello hello"`, "uncompressed": "true", "length": "-1", "header Content-Encoding": "", "1 header Accept-Encoding": `["gzip"]`}},
		{name: "gzip with an explicit Accept-Encoding", handler: compressed(text("hello")), header: http.Header{"Accept-Encoding": {"gzip"}}, want: observations{"uncompressed": "false", "header Content-Encoding": `["gzip"]`}},
		{name: "gzip refused", handler: compressed(text("hello")), header: http.Header{"Accept-Encoding": {"identity"}}, want: observations{"body": `"hello"`, "header Content-Encoding": ""}},
		{name: "gzip of an empty body", handler: compressed(text("")), want: observations{"uncompressed": "true", "body": ""}},
		{
			name: "Content-Encoding of no body", want: observations{"length": "0", "uncompressed": "false", "header Content-Encoding": `["gzip"]`},
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "gzip") }),
		},
		{name: "gzip of HEAD", handler: compressed(text("hello")), method: "HEAD", want: observations{"1 header Accept-Encoding": "", "length": "5"}},
		{name: "gzip with Range", handler: compressed(content), header: http.Header{"Range": {"bytes=0-1"}}, want: observations{"body": `"01"`, "1 header Accept-Encoding": ""}},
		{name: "large gzip", handler: compressed(text(string(large))), want: observations{"uncompressed": "true"}},
		{
			name: "body that is not compressed with Content-Encoding gzip",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				io.WriteString(w, "text, not gzip")
			}),
			differ: map[string]difference{ // FastSyftBox sends such bodies
				"body error": {"gzip: invalid header", ""}, "body": {"", `"text, not gzip"`},
				"uncompressed": {"true", "false"}, "length": {"-1", "14"}, "header Content-Length": {"", `["14"]`},
			},
		},

		// Panics, contexts and interfaces of the ResponseWriter.
		{name: "panic", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) { panic("fault") }), differ: internalError("EOF")},
		{
			name: "panic after a write", differ: internalError("EOF"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "text")
				panic("fault")
			}),
		},
		{
			name: "http.ErrAbortHandler",
			differ: func() map[string]difference {
				differ := internalError("EOF")
				differ["length"], differ["header Content-Length"] = difference{syft: "33"}, difference{syft: `["33"]`}
				differ["body"] = difference{syft: `"The handler aborted the response."`}
				return differ
			}(),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "text")
				panic(http.ErrAbortHandler)
			}),
		},
		{
			name: "interfaces of the ResponseWriter",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, flusher := w.(http.Flusher)
				_, hijacker := w.(http.Hijacker)
				note(r, "%v %v", flusher, hijacker)
				io.WriteString(w, "text")
			}),
			want:   observations{"body": `"text"`},
			differ: map[string]difference{"1 note": {"true true", "false false"}},
		},
		{
			name: "http.ResponseController",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "text")
				c := http.NewResponseController(w)
				unsupported := func(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
				note(r, "Flush %v", unsupported(c.Flush()))
				note(r, "SetReadDeadline %v", unsupported(c.SetReadDeadline(time.Time{})))
				note(r, "SetWriteDeadline %v", unsupported(c.SetWriteDeadline(time.Time{})))
				note(r, "EnableFullDuplex %v", unsupported(c.EnableFullDuplex()))
			}),
			want: observations{"body": `"text"`},
			differ: map[string]difference{"1 note": {
				"Flush false; SetReadDeadline false; SetWriteDeadline false; EnableFullDuplex false",
				"Flush true; SetReadDeadline true; SetWriteDeadline true; EnableFullDuplex true",
			}},
		},
		{
			name: "hijacking",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err != nil {
					http.Error(w, "not supported", 501)
					return
				}
				hijacked(conn, buffer)
			}),
			differ: map[string]difference{
				"status": {"418 I'm a teapot", "501 Not Implemented"}, "length": {"0", "14"}, "body": {"", `"not supported\n"`},
				"header Content-Length": {`["0"]`, `["14"]`}, "header Content-Type": {"", `["text/plain; charset=utf-8"]`},
				"header X-Content-Type-Options": {"", `["nosniff"]`},
			},
		},
		{
			name: "middleware that wraps the ResponseWriter",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				counting := &countingWriter{ResponseWriter: w}
				http.Error(counting, "gone", 410)
				note(r, "%d %d %v", counting.status, counting.written, http.NewResponseController(counting).SetWriteDeadline(time.Time{}) == nil)
			}),
			want:   observations{"status": "410 Gone"},
			differ: map[string]difference{"1 note": {"410 5 true", "410 5 false"}},
		},
		{
			name: "http.TimeoutHandler in time", handler: http.TimeoutHandler(text("text"), time.Hour, "late"), want: observations{"body": `"text"`},
		},
		{
			name: "http.TimeoutHandler too late", want: observations{"status": "503 Service Unavailable", "body": `"late"`},
			handler: http.TimeoutHandler(handlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Millisecond, "late"),
		},
		{
			name: "context ends when the handler returns",
			handler: func() http.Handler {
				previous := make(chan context.Context, 2)
				return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/first" {
						note(r, "%v", r.Context().Err())
						previous <- r.Context()
						return
					}
					<-(<-previous).Done()
				})
			}(),
			do: func(c *http.Client, base string) (*http.Response, error) {
				response, err := c.Get(base + "/first")
				if err != nil {
					return nil, err
				}
				response.Body.Close()
				return c.Get(base + "/second")
			},
			want: observations{"status": "200 OK", "1 note": "<nil>"},
		},
		{
			name: "server in the context", handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
				note(r, "%v", ok)
			}),
			want: observations{"1 note": "true"},
		},
		{
			name: "request cloned by middleware", method: "POST", path: "/a/b?c=d", body: strings.NewReader("text"),
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				clone := r.Clone(r.Context())
				clone.Header.Set("X-New", "1")
				clone.URL.Path = "/changed"
				echo.ServeHTTP(w, clone)
				note(r, "%s %q", r.URL.Path, r.Header.Get("X-New"))
			}),
			want: observations{"1 note": `/a/b ""`, "body": `"text"`},
		},
		{
			name: "trailers",
			handler: handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Trailer", "X-Announced")
				io.WriteString(w, "text")
				w.Header().Set("X-Announced", "1")
				w.Header().Set(http.TrailerPrefix+"X-Other", "2")
			}),
			do: func(c *http.Client, base string) (*http.Response, error) {
				response, err := c.Get(base + "/")
				if err != nil {
					return nil, err
				}
				body, err := io.ReadAll(response.Body)
				response.Header.Set("Trailers", fmt.Sprint(len(response.Trailer)))
				response.Body = io.NopCloser(bytes.NewReader(body))
				return response, err
			},
			want:   observations{"body": `"text"`, "header X-Announced": ""},
			differ: map[string]difference{"header Trailers": {`["2"]`, `["0"]`}},
		},

		// Reverse proxies.
		{
			name: "httputil.ReverseProxy", path: "/api/a%20b?c=d", method: "POST", body: strings.NewReader("hello"),
			handler: proxied(handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("X-Seen", r.URL.RequestURI()+" "+r.Header.Get("X-Syft-From"))
				w.WriteHeader(201)
				w.Write(bytes.ToUpper(body))
			})),
			want:   observations{"status": "201 Created", "body": `"HELLO"`},
			differ: map[string]difference{"header X-Seen": {`["/api/a%20b?c=d"]`, `["/api/a%20b?c=d alice@example.com"]`}},
		},
		{
			name: "httputil.ReverseProxy of a stream", want: observations{"body": `"one two "`, "header Content-Type": `["text/event-stream"]`},
			handler: proxied(handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for _, s := range []string{"one ", "two "} {
					io.WriteString(w, s)
					w.(http.Flusher).Flush()
				}
			})),
		},
		{
			name: "httputil.ReverseProxy of an aborted response",
			handler: proxied(handlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})),
			differ: map[string]difference{
				"status": {"200 OK", "500 Internal Server Error"}, "body error": {"unexpected EOF", ""},
				"body": {`"half"`, `"The handler aborted the response."`}, "length": {"4", "33"},
				"header Content-Length": {`["4"]`, `["33"]`}, "header Content-Type": {`["text/plain; charset=utf-8"]`, `["text/plain; charset=utf-8"]`},
			},
		},
		{
			name: "httputil.ReverseProxy of a missing server", want: observations{"status": "502 Bad Gateway"},
			handler: func() http.Handler {
				target, _ := url.Parse("http://127.0.0.1:1")
				return quiet(httputil.NewSingleHostReverseProxy(target))
			}(),
		},
	}

	// Every status is the same for the client and the handler, also one that clients of the Python
	// package reject.
	for _, code := range []int{
		200, 201, 202, 203, 205, 206, 207, 226, 299, 300, 305, 306, 309, 399, 400, 402, 404, 409, 418, 419,
		420, 422, 427, 429, 430, 451, 498, 499, 500, 501, 503, 509, 511, 520, 599, 600, 777, 999,
	} {
		want := fmt.Sprint(code, " ", http.StatusText(code))
		if http.StatusText(code) == "" {
			want = fmt.Sprint(code, " status code ", code)
		}
		cases = append(cases, comparison{name: "status " + strconv.Itoa(code), handler: status(code), want: observations{"status": want, "body": `"text"`, "header X-Syft-Status": ""}})
	}
	return cases
}

// hijacked responds on a connection and closes it.
func hijacked(conn io.Closer, buffer *bufio.ReadWriter) {
	buffer.WriteString("HTTP/1.1 418 I'm a teapot\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: 0\r\n\r\n")
	buffer.Flush()
	conn.Close()
}

// proxied returns a handler that passes requests on to a server of h.
func proxied(h http.Handler) http.Handler {
	return handlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backend := httptest.NewServer(h)
		defer backend.Close()
		target, _ := url.Parse(backend.URL)
		quiet(httputil.NewSingleHostReverseProxy(target)).ServeHTTP(w, r)
	})
}

// quiet makes a proxy log nothing.
func quiet(p *httputil.ReverseProxy) *httputil.ReverseProxy {
	p.ErrorLog = log.New(io.Discard, "", 0)
	return p
}
