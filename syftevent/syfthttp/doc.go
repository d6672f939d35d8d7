// Package syfthttp connects package syftevent with net/http. [Handler] serves any
// [http.Handler] over SyftBox, and [Transport] lets any [http.Client] call over SyftBox.
//
// A server:
//
//	mux := http.NewServeMux()
//	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
//		fmt.Fprintf(w, "note %s for %s", r.PathValue("id"), r.RemoteAddr)
//	})
//	router := syftevent.NewRouter()
//	router.Handle("/**", syfthttp.Handler(mux))
//	server := &syftevent.Server{AppName: "notes", Router: router}
//	err := server.Run(ctx)
//
// A client:
//
//	client, err := syftevent.LoadClient("")
//	if err != nil {
//		// handle error
//	}
//	web := &http.Client{Transport: &syfthttp.Transport{Client: client}}
//	response, err := web.Get("syft://bob@example.com/app_data/notes/rpc/notes/42")
//
// With encryption from end to end by package syftcrypt:
//
//	guard := &syftcrypt.Guard{Keys: keys}
//	router.Handle("/**", guard.Require(syfthttp.Handler(mux)))
//
//	encrypted := &syftcrypt.Client{Client: client, Keys: keys}
//	web := &http.Client{Transport: &syfthttp.Transport{Caller: encrypted}}
//
// Neither end needs the other: a Transport calls any server, and a client of the Python
// package or SyftBox's HTTP gateway calls a Handler.
//
// # What differs from HTTP
//
// A request and a response are files, so both have a limited size, arrive whole, and take as
// long as SyftBox does. There are no streams, trailers, upgrades and connections.
//
//   - Methods are GET, HEAD, POST, PUT, PATCH and DELETE. SyftBox has no others.
//   - A header has one value in the file. Several values are joined by ", ", those of Cookie by
//     "; ", as FastSyftBox does. Transport splits Set-Cookie again. A byte of a value that is not
//     valid UTF-8 becomes U+FFFD. A file has 256 headers at most, see [syftevent.Headers];
//     a response with more becomes a 500.
//   - Headers of a connection, such as Connection, Transfer-Encoding and Upgrade, are dropped in
//     both directions (RFC 9110, section 7.6.1).
//   - The path of a request names folders. It is not %-encoded on disk: the request for
//     "/a%20b" is in the folder "a b". A handler therefore gets no RawPath, a RequestURI that is
//     encoded anew, one slash at the beginning, and no "?" before an empty query. Transport
//     refuses a path with "%2F", ".." or ".", and those that SyftBox does not deliver, see
//     [syftevent.Router].
//   - Clients of the Python package reject a response with a status that is not registered.
//     Handler publishes such a status as that of its class, 420 as 400 for example, which is how
//     HTTP clients treat an unknown status (RFC 9110, section 15), and adds the header
//     X-Syft-Status with the original. Transport restores it.
//   - Lengths are known: a body is never chunked, and a response to HEAD has the Content-Length
//     of all that the handler writes. A request without a body has no Content-Length.
//   - Transport sets no User-Agent.
//   - A handler that panics, or that writes less than its Content-Length, gets its caller a
//     response with status 500; in HTTP the connection would end.
package syfthttp

// The headers that [Handler] sets in each request. The sender cannot set them.
const (
	// FromHeader is the header with the e-mail address of the sender.
	FromHeader = "X-Syft-From"
	// URLHeader is the header with the syft:// URL of the request.
	URLHeader = "X-Syft-Url"
)

// statusHeader is the header of a response with the status that the handler chose, if the
// published one differs.
const statusHeader = "X-Syft-Status"

// MaxBody is the maximum size of the body of a response, in bytes: clients of package
// syftevent refuse larger ones by default, see [syftevent.DefaultMaxResponseSize].
const MaxBody = 47 << 20
