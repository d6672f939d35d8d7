// Package script runs scenarios. A scenario is a testscript with commands that start the
// server under test, send requests and check what the server does; or that start the client under
// test, tell it to make calls, answer them and check the results. The table in
// commands.go lists them with their arguments; the command "box", which delivers
// requests, is documented in package boxscript.
//
// The scenarios may also use the commands of testscript that prepare files: mkdir, cp, mv.
// They must not use its checks (exists, cmp, grep), whose failures carry no value.
//
// # Variables
//
//	$SERVER     the address of the server's datasite
//	$RPC        the server's folder "rpc"
//	$RECORD     the file to which the handlers of /record and /slow append request ids
//	$CLIENT     the address of the client
//	$STEM_NAME  the file name of the request NAME, without ".request"
//	$REQUEST_NAME, $RESPONSE_NAME
//	            the paths of the request and the response of the call NAME of a client
//	$LONG       a number of milliseconds that is long for a handler
//
// and times with which a server must not go by the text alone: $PAST_EAST, an hour ago in a
// zone where the clock shows a later time than in UTC, $FUTURE_WEST, the reverse, $PAST_HALF,
// ten minutes ago in a zone that is half an hour off, and $PAST_NAIVE, ten minutes ago in UTC
// without an offset.
//
// # Time
//
// A wait is a condition with a deadline, not a sleep. The deadlines follow from the times
// that the server declares and from [Config.Timescale]. Where a check is valid only if the
// suite itself was quick enough, [Run.TooSlow] reports that it was not.
package script
