package syfthttp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A Transport is an [http.RoundTripper] that calls over SyftBox. It takes URLs of the form
//
//	syft://bob@example.com/app_data/notes/rpc/list?limit=3
//
// also with the scheme "http+syft", and others by Resolve. An [http.Transport] can hand it the
// URLs of a scheme: see [http.Transport.RegisterProtocol]. Fields must not be changed after first
// use. The methods may be called concurrently.
//
// A call waits until the deadline of the request's context, or the Timeout of the
// [http.Client], and for Expiry if there is none. The server sees it as the expiry of the
// request. If the call fails, the [url.Error] that the http.Client returns wraps the error of
// [syftevent.Client.Call], such as [syftevent.ErrRejected]; after the deadline,
// [context.DeadlineExceeded]. Its method Timeout reports whether the time was over. A response with
// any status is not an error.
//
// As in net/http, the body is compressed in between if the server does so: Transport asks for
// gzip, unless the request sets Accept-Encoding or Range, and decompresses the body. The
// response's header Date is the time at which the server made it.
//
// A Location without a host, such as "/list" or "../list", becomes the URL of one of the app's
// endpoints, so that an http.Client follows redirects of servers that do not know where they are
// mounted. A
// [net/http/cookiejar.Jar] keeps no cookies for syft:// URLs; with URLs of https and Resolve it
// does. The http.Client makes a header Authorization of the address in a syft:// URL; Transport
// removes that.
type Transport struct {
	// Client sends the requests. It is required, unless Caller is set.
	Client *syftevent.Client
	// Caller, if not nil, makes the calls instead of Client, and OnSend is not called. A
	// [github.com/syftevent/syftevent-go/syftevent/syftcrypt.Client] encrypts the bodies, but neither
	// URLs nor headers such as Cookie and Authorization. If the server does not encrypt its response,
	// the error wraps a PlaintextError of that package, which has the response.
	Caller Caller
	// Resolve returns the URL of an endpoint for that of a request with another scheme than syft
	// and http+syft, so that code that is written for https can call a datasite: see [Hosts].
	// Nil refuses other schemes.
	Resolve func(u *url.URL) (*url.URL, error)
	// Expiry is how long a call without a deadline waits. Defaults to
	// [syftevent.DefaultExpiry]. Negative is an error.
	Expiry time.Duration
	// MaxRequestBody limits the body of a request, in bytes. Defaults to
	// [DefaultMaxRequestBody], with Caller to [DefaultMaxCallerBody]. Negative disables the limit.
	MaxRequestBody int64
	// OnSend, if not nil, is called with each request that was sent, before Transport waits for
	// the response. It may keep the Future, to show [syftevent.Future.Resent] for example. It must
	// not block.
	OnSend func(pending *syftevent.Future)
}

// DefaultMaxRequestBody is the default of [Transport.MaxRequestBody], in bytes. Servers of package
// syftevent refuse requests with larger bodies by default.
const DefaultMaxRequestBody = 11 << 20

// DefaultMaxCallerBody is the default of [Transport.MaxRequestBody] with [Transport.Caller], in
// bytes: encryption makes a body a third longer.
const DefaultMaxCallerBody = 8 << 20

// A Caller sends a request and waits for the response, as [syftevent.Client.Call] does.
type Caller interface {
	Call(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error)
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.roundTrip(r)
	if err == nil {
		return response, nil
	}
	expired := errors.Is(err, syftevent.ErrExpired) || errors.Is(err, context.DeadlineExceeded)
	err = fmt.Errorf("syfthttp: %w", err)
	if expired {
		err = &timeoutError{err} // the outermost error, which is the only one that url.Error asks
	}
	return nil, err
}

func (t *Transport) roundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		closeBody := sync.OnceFunc(func() { r.Body.Close() })
		defer closeBody()
		// Close ends a Read that waits, as in net/http.
		defer context.AfterFunc(r.Context(), closeBody)()
	}
	switch {
	case t.Client == nil && t.Caller == nil:
		return nil, errors.New("Transport.Client is nil, and so is Transport.Caller")
	case r.URL == nil:
		return nil, errors.New("request has no URL")
	}
	target, err := t.resolve(r.URL)
	if err != nil {
		return nil, err
	}
	req, err := t.newRequest(r, target)
	if err != nil {
		return nil, err
	}
	unzip := asksForGzip(r, req)
	response, err := t.call(r.Context(), req)
	if err != nil {
		return nil, callError(r.Context(), err)
	}
	return newResponse(r, response, target, unzip)
}

// call is [syftevent.Client.Call] with OnSend.
func (t *Transport) call(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	if t.Caller != nil {
		response, err := t.Caller.Call(ctx, req)
		if response == nil && err == nil {
			err = errors.New("Transport.Caller returned no response")
		}
		return response, err
	}
	pending, err := t.Client.Send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer pending.Cancel()
	if t.OnSend != nil {
		t.OnSend(pending)
	}
	return pending.Wait(ctx)
}

// callError returns the error of a call whose deadline may have passed.
func callError(ctx context.Context, err error) error {
	deadline, ok := ctx.Deadline()
	if errors.Is(err, syftevent.ErrExpired) && ok && !time.Now().Before(deadline) {
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

// A timeoutError is the error of a call that took too long.
type timeoutError struct{ error }

func (e *timeoutError) Unwrap() error { return e.error }
func (e *timeoutError) Timeout() bool { return true }

// resolve returns the syft:// URL of an endpoint.
func (t *Transport) resolve(u *url.URL) (syftevent.URL, error) {
	if !isSyft(u) {
		if t.Resolve == nil {
			return syftevent.URL{}, fmt.Errorf("unsupported scheme %q in %s; Transport.Resolve is nil", u.Scheme, u.Redacted())
		}
		resolved, err := t.Resolve(u)
		if err != nil {
			return syftevent.URL{}, fmt.Errorf("resolve %s: %w", u.Redacted(), err)
		}
		if resolved == nil || !isSyft(resolved) {
			return syftevent.URL{}, fmt.Errorf("resolve %s: Transport.Resolve returned no syft:// URL: %v", u.Redacted(), resolved)
		}
		u = resolved
	}
	bad := func(reason string) (syftevent.URL, error) {
		return syftevent.URL{}, fmt.Errorf("bad URL %s: %s", u.Redacted(), reason)
	}
	if _, password := u.User.Password(); password {
		return bad("has a password")
	}
	if strings.ContainsAny(u.Path, "?#") || strings.Count(u.Path, "/") != strings.Count(u.EscapedPath(), "/") {
		return bad("has an encoded slash, question mark or number sign in its path, which names folders")
	}
	target, err := syftevent.ParseURL("syft://" + u.User.Username() + "@" + u.Host + u.Path)
	if err != nil {
		return bad("must have the form syft://EMAIL/app_data/APP/rpc/ENDPOINT")
	}
	if target.Endpoint() == "" {
		return bad("is not that of an endpoint: syft://EMAIL/app_data/APP/rpc/ENDPOINT")
	}
	target.Query = u.RawQuery
	return target, nil
}

func isSyft(u *url.URL) bool { return u.Scheme == "syft" || u.Scheme == "http+syft" }

// newRequest returns the SyftBox request for one of HTTP.
func (t *Transport) newRequest(r *http.Request, target syftevent.URL) (*syftevent.Request, error) {
	if len(r.Trailer) > 0 {
		return nil, errors.New("request has a trailer, which SyftBox does not carry")
	}
	if t.Expiry < 0 {
		return nil, fmt.Errorf("Transport.Expiry is negative: %v", t.Expiry)
	}
	body, err := t.readBody(r)
	if err != nil {
		return nil, err
	}
	req := &syftevent.Request{Method: r.Method, URL: target, Body: body}
	if deadline, ok := r.Context().Deadline(); ok {
		req.Expires = deadline
	} else if t.Expiry > 0 {
		req.Expires = time.Now().Add(t.Expiry)
	}
	h := r.Header.Clone()
	for name, values := range h {
		if !isToken(name) {
			return nil, fmt.Errorf("invalid header name %.100q", name)
		}
		for _, value := range values {
			if !isHeaderValue(value) {
				return nil, fmt.Errorf("invalid value of header %s", name) // it may be a secret
			}
		}
	}
	remove(h, "Host", "Content-Length")
	if isSyft(r.URL) && h.Get("Authorization") == fromUser(r.URL.User) {
		h.Del("Authorization")
	}
	if cameFromElsewhere(r) {
		remove(h, "Authorization", "Cookie", "Cookie2", "Www-Authenticate")
	}
	req.Headers = writeHeaders(h)
	return req, nil
}

// fromUser returns the header Authorization that an [http.Client] makes of the user in a URL.
func fromUser(user *url.Userinfo) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"))
}

// cameFromElsewhere reports whether a request follows redirects from another datasite. An
// [http.Client] compares only the domains, so it passes the secrets for bob@example.com on to
// carol@example.com.
func cameFromElsewhere(r *http.Request) bool {
	for from := r; from.Response != nil && from.Response.Request != nil; {
		from = from.Response.Request
		if isSyft(r.URL) != isSyft(from.URL) || isSyft(r.URL) && (from.URL.User.String() != r.URL.User.String() || from.URL.Host != r.URL.Host) {
			return true
		}
	}
	return false
}

// readBody reads the whole body of a request. Nil means none.
func (t *Transport) readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	limit := t.MaxRequestBody
	switch {
	case limit == 0 && t.Caller != nil:
		limit = DefaultMaxCallerBody
	case limit == 0:
		limit = DefaultMaxRequestBody
	}
	reader := io.Reader(r.Body)
	if limit > 0 && limit < math.MaxInt64 {
		reader = io.LimitReader(r.Body, limit+1)
	}
	body, err := io.ReadAll(reader)
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		return nil, fmt.Errorf("read request body: %w", err)
	case limit > 0 && int64(len(body)) > limit:
		return nil, fmt.Errorf("request body exceeds Transport.MaxRequestBody of %d bytes", limit)
	case r.ContentLength > 0 && r.ContentLength != int64(len(body)):
		return nil, fmt.Errorf("request body has %d bytes, its ContentLength is %d", len(body), r.ContentLength)
	}
	return body, nil
}

// statusLine returns the status and its text, as a server of net/http writes them.
func statusLine(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprintf("%d status code %d", status, status)
}

// newResponse returns the response of HTTP.
func newResponse(r *http.Request, from *syftevent.Response, target syftevent.URL, unzip bool) (*http.Response, error) {
	h, err := readHeaders(from.Headers, func(string) bool { return false })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", syftevent.ErrBadResponse, err)
	}
	status := from.StatusCode
	if original, err := strconv.Atoi(h.Get(statusHeader)); err == nil && original >= 200 && original <= 999 && classStatus(original) == status {
		status = original
	}
	h.Del(statusHeader)
	splitCookies(h)
	if location := h.Get("Location"); location != "" && isSyft(r.URL) {
		h.Set("Location", rebase(location, r.URL, target))
	}
	if h.Get("Date") == "" && !from.Created.IsZero() {
		h.Set("Date", from.Created.UTC().Format(http.TimeFormat))
	}
	response := &http.Response{
		Status:        statusLine(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		Body:          http.NoBody,
		ContentLength: int64(len(from.Body)),
		Request:       r,
	}
	switch {
	case r.Method == http.MethodHead:
		response.ContentLength = -1
		if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
			response.ContentLength = n
		}
	case !bodyAllowed(status):
		response.ContentLength = 0
	default:
		h.Set("Content-Length", strconv.Itoa(len(from.Body)))
		response.Body = newBody(from.Body)
		decompress(response, from.Body, unzip)
	}
	return response, nil
}
