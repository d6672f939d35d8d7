package syfthttp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// Handler returns a handler that serves requests with h. It is registered for all endpoints of
// an app, or for those below a prefix, which it does not remove:
//
//	router.Handle("/**", syfthttp.Handler(mux))
//	router.Handle("/api/**", syfthttp.Handler(http.StripPrefix("/api", api)))
//
// The [http.Request] is one that a server of net/http could have read, with these differences:
//
//   - RemoteAddr and the header X-Syft-From are the e-mail address of the sender. Both are
//     empty if [syftevent.Request.SenderVerified] is false. Package syftevent says in "Senders"
//     when a sender is authenticated. There is no IP address, so a
//     [net/http/httputil.ReverseProxy] does not extend X-Forwarded-For; its value is the sender's.
//   - Host is the e-mail address of the owner of the datasite. The header X-Syft-Url is the URL
//     of the request.
//   - PathValue returns the wildcards of the pattern in the [syftevent.Router], until a
//     [http.ServeMux] sets its own.
//   - The context is the one that a [syftevent.Handler] gets. It ends when h returns, and
//     [syftevent.RequestFrom] returns the SyftBox request. The value of [http.ServerContextKey]
//     is a server that does not run; there is none of [http.LocalAddrContextKey].
//
// The response gets a Content-Type by [http.DetectContentType] and a Content-Length as in
// net/http. An invalid request, such as one with a header name that HTTP does not allow, gets
// status 400 and does not reach h. The [http.ResponseWriter] is neither an [http.Flusher] nor an
// [http.Hijacker]: methods of an [http.ResponseController] return an error that is
// [errors.ErrUnsupported]. It limits the body to [MaxBody]; Write then returns an error, and the
// response is a 500.
//
// If the context ended before h returned, and h has written nothing or a status of 500 or
// above, the request is left for the next start of the server, as if a [syftevent.Handler] had
// returned an error. A panic is passed on, except [http.ErrAbortHandler], which becomes a 500
// that is not logged.
//
// Handler panics if h is nil. The handler may be called concurrently if h may.
func Handler(h http.Handler) syftevent.Handler {
	if h == nil {
		panic("syfthttp: Handler(nil)")
	}
	// An httputil.ReverseProxy aborts the response to an incomplete one only if there is a server.
	server := &http.Server{Handler: h}
	return syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		r, err := newRequest(req)
		if err != nil {
			return nil, syftevent.Errorf(http.StatusBadRequest, "Bad Request: %w", err)
		}
		ctx = context.WithValue(syftevent.WithRequest(ctx, req), http.ServerContextKey, server)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		body := r.Body // the handler may replace it
		defer body.Close()
		r = r.WithContext(ctx)
		w := newWriter(r.Method)
		defer w.end()
		if aborted := serve(h, w, r); aborted {
			return nil, &syftevent.Error{StatusCode: http.StatusInternalServerError, Message: "The handler aborted the response."}
		}
		if status := w.end(); ctx.Err() != nil && (status == 0 || status >= 500) {
			return nil, ctx.Err()
		}
		return w.response()
	})
}

// serve calls h, and reports whether it panicked with [http.ErrAbortHandler].
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			aborted = true
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// newRequest returns the request that a server of net/http would have read. The error says why
// it is not valid HTTP.
func newRequest(req *syftevent.Request) (*http.Request, error) {
	path, err := requestPath(req.URL)
	if err != nil {
		return nil, err
	}
	if !isToken(req.Method) {
		return nil, fmt.Errorf("invalid method %.100q", req.Method)
	}
	if strings.ContainsFunc(req.URL.Query, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, fmt.Errorf("invalid character in query %.100q", req.URL.Query)
	}
	r := &http.Request{
		Method:        req.Method,
		URL:           &url.URL{Path: path, RawQuery: req.URL.Query},
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{},
		Body:          newBody(req.Body),
		ContentLength: int64(len(req.Body)),
		Host:          req.URL.Datasite,
	}
	if r.Header, err = readHeaders(req.Headers, reservedInRequest); err != nil {
		return nil, err
	}
	if req.Body != nil {
		r.Header.Set("Content-Length", strconv.Itoa(len(req.Body)))
	}
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set(URLHeader, req.URL.String())
	if req.SenderVerified {
		r.RemoteAddr = req.Sender
		r.Header.Set(FromHeader, req.Sender)
	}
	for name, value := range req.PathValues() {
		r.SetPathValue(name, value)
	}
	return r, nil
}

// requestPath returns the part of the path below the app's folder "rpc". It keeps slashes that do
// not matter to SyftBox, because a ServeMux distinguishes "/dir" from "/dir/", except at the
// beginning: the clients of FastSyftBox send "rpc//dir".
func requestPath(u syftevent.URL) (string, error) {
	rest := u.Path
	for range 3 { // app_data, the app, rpc
		_, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
	}
	if u.Endpoint() == "" {
		return "", fmt.Errorf("URL %q is not that of an endpoint", u)
	}
	return "/" + strings.TrimLeft(rest, "/"), nil
}

// reservedInRequest reports whether a sender's header is dropped: only the Handler sets it, or a
// file has no use for it. Programs behind CGI or WSGI do not tell "X_Syft_From" from
// "X-Syft-From".
func reservedInRequest(name string) bool {
	return slices.Contains([]string{
		FromHeader, URLHeader, "X-Syft-Decrypted", "X-Syft-Original-Sender", "Host", "Content-Length",
	}, http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-")))
}
