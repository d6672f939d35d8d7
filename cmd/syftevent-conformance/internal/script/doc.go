// Package script is what the scenarios are written in: the commands that start
// the server under test, look at its answers and check them. The command "box",
// which delivers the requests, is fakebox's (see boxscript).
//
// # Commands
//
//	server start [KEY=VALUE...]
//
// starts the server and waits until it is ready. The values are options of the
// server as SPEC.md, Appendix A, names them; what is not JSON is taken as a string.
//
//	server stop [-signal | -input]
//	server kill
//
// tell the server to stop, by both of the ways or by SIGTERM or the end of standard
// input alone, or end it at once.
//
//	server second
//
// starts another server beside it, which may refuse to.
//
//	starting NAME ENDPOINT [BODY]
//
// starts the server and sends requests for as long as that takes.
//
//	burst NAME N ENDPOINT [BODY]
//
// sends N requests at once, from five senders.
//
//	answered NAME [BODY]
//
// waits until each request of the burst has a response, and checks their bodies.
//
//	wide NAME N
//
// sends N requests of 3 MB to /echo, which have hundreds of thousands of members; "answered"
// waits for their responses.
//
//	memory MIB
//
// checks the most memory that the server has had. Where the system does not tell, the
// scenario does not apply.
//
//	[!] expect NAME status PATTERN     such as 200, 4xx or 403|4xx
//	[!] expect NAME body TEXT          "null" for none, "sent" for the request's
//	[!] expect NAME contains TEXT      the body does
//	[!] expect NAME header NAME VALUE  VALUE may have wildcards, such as GET*
//	[!] expect NAME field NAME VALUE   a field of the envelope
//	[!] expect NAME json NAME VALUE    a member of the body
//	[!] expect NAME time NAME VALUE    a field that is the same time as VALUE
//	    expect NAME envelope           all fields are there, each of its type
//	    expect NAME base64             the body is in the URL-safe form
//
// wait until the request NAME, which "box send" has sent, is answered, and check
// the response.
//
//	[!] says NAME WHAT [VALUE]
//
// is expect for the response that is there now, in whatever folder: none says
// nothing.
//
//	running NAME
//
// waits until a handler has the request, to /record or /slow.
//
//	trickle NAME...
//
// lets pieces of requests arrive that were sent with -first, for longer than the
// settle time; there must be no response.
//
//	whole NAME
//
// waits for the response, looking at it all the time: it must never be seen in
// part.
//
//	canary
//
// proves that the server is alive, and that it has looked for requests since.
//
//	unanswered NAME...
//
// checks that there are no responses now.
//
//	quiet [FACTOR]
//
// lets several polls and the settle time pass, or the settle time alone times
// the factor, while canaries are answered.
//
//	same NAME
//
// checks that the response is what it was when it was read first.
//
//	tidy NAME
//
// waits until its folder holds nothing but requests and responses.
//
//	kept NAME
//
// waits for the response, looking at the request all the time: it must stand.
//
//	gone PATH...
//	cleaned PATH...
//	orderly [-watch] NAME
//
// wait until files are removed, or the pair and those beside it, each of which must
// lose the request first: -watch, before the server starts, begins to watch them. If
// nothing is removed, gone fails, and with the others the scenario does not apply.
//
//	orphaned NAME
//
// removes the request, and waits until the server removes the response: not before
// the time that it declares with orphan_ms.
//
//	appears PATH...
//
// waits until files are there.
//
//	swift NAME
//
// waits until SyftBox has sent the response, which must go by its fast path. It
// wants "box sync".
//
//	schema object
//	schema has ENDPOINT...
//	schema entries
//
// check rpc.schema.json.
//
//	declares settle_ms N
//
// checks that the server declares no longer a settle time.
//
//	requires max_request_size N
//
// ends a scenario that does not apply to a server without a limit of N or less.
//
//	unrun
//
// checks that nothing was run of what /record and /slow write down.
//
//	remove PATH...
//
// removes files and folders, as rm does, and the timeline tells of it.
//
//	touch DURATION PATH
//
// sets the times of a file, so long from now; -48h is two days ago.
//
//	link TARGET NAME
//	fifo NAME
//
// make a symbolic link and a FIFO. Where there are none, the scenario does not
// apply.
//
//	[!] permits USER read|write PATH
//
// checks what the permissions in $RPC let a user do with a path below it.
//
//	took NAME DURATION
//
// waits for the response, and checks that it did not come sooner after the request.
//
//	ran NAME N
//
// checks how often the endpoint /record was run for a request, or for each of a
// burst.
//
//	confined
//
// checks that nothing has appeared in $WORK since the server was ready but
// responses beside their requests, what the script has made itself excepted, and
// *.tmp in the folder of the app, where a server may keep what it has answered.
//
// # Variables
//
// $SERVER is the address of the server, $RPC its folder "rpc", $RECORD the file
// to which /record and /slow append, $STEM_NAME the stem of the request NAME, and
// $LONG a number of milliseconds that is long for a handler. "exists",
// "cmp" and "grep" are testscript's and may be used for checks, too.
package script
