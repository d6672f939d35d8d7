package script

import (
	"errors"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// A command is a command of the scenarios. Exactly one of run and check is set; check may
// be negated with "!".
type command struct {
	name, arguments, summary string

	run   func(ts *testscript.TestScript, args []string) error
	check func(neg bool, args []string) error
}

// errUsage is the error of a command that was given wrong arguments.
var errUsage = errors.New("wrong arguments")

// commands returns the table of commands of a role.
func (r *Run) commands() []command {
	if r.scene.config.Role == target.Client {
		return append(r.clientCommands(), r.fileCommands()...)
	}
	return append(r.serverCommands(), r.fileCommands()...)
}

func (r *Run) serverCommands() []command {
	return []command{
		// The server.
		{name: "server", arguments: "start [KEY=VALUE...] | stop [-signal | -input] | kill | suspend | resume | second [-spelled] | takeover",
			summary: "start the server with options (SPEC.md, Appendix A) and wait until it is ready; stop it by SIGTERM, the end of its input or both; kill it; suspend it by SIGSTOP, and resume it; start another beside it, which may refuse or wait, -spelled by a configuration that spells data_dir differently; after the first has ended, wait until the other is ready, and go on with it",
			run:     r.server.commandServer},
		{name: "canary", summary: "check that the server answers two requests, one after the other", run: r.requests.commandCanary},
		{name: "quiet", arguments: "[FACTOR]",
			summary: "wait for the settle time and several polls, or FACTOR times the settle time, while the server answers canaries",
			run:     r.requests.commandQuiet},
		{name: "requires", arguments: "max_request_size N", summary: "skip the scenario unless the ready line declares a size limit of at most N bytes", run: r.server.commandRequires},

		// Requests.
		{name: "burst", arguments: "[-senders N] NAME N ENDPOINT [BODY]", summary: "send N requests at once, from five senders or -senders", run: r.requests.commandBurst},
		{name: "starting", arguments: "NAME ENDPOINT [BODY]", summary: "start the server, and send requests until it is ready", run: r.requests.commandStarting},
		{name: "wide", arguments: "NAME N", summary: "send N requests of 3 MB with hundreds of thousands of members to /echo", run: r.requests.commandWide},
		{name: "vectors", arguments: "NAME | -file FILE", summary: "send the requests of a file in testdata/vectors, or of a file of the script, at once, and check all responses", run: r.vectors.commandVectors},
		{name: "trickle", arguments: "NAME...",
			summary: "write pieces of requests that were sent with -first for longer than the settle time, and check that they get no response",
			run:     r.requests.commandTrickle},

		// Responses.
		{name: "expect", arguments: "NAME CHECK [VALUE...]", summary: "wait for the response to a request, and check it (see checks.go)", check: r.responses.commandExpect},
		{name: "says", arguments: "NAME CHECK [VALUE...]", summary: "check the response that exists now, in whatever folder; a missing one says nothing", check: r.responses.commandSays},
		{name: "whole", arguments: "NAME", summary: "wait for the response, and check that it never appears partly written", run: r.responses.commandWhole},
		{name: "kept", arguments: "NAME", summary: "wait for the response, and check that the request exists until then", run: r.responses.commandKept},
		{name: "took", arguments: "NAME DURATION", summary: "wait for the response, and check that it did not come earlier after the request", run: r.responses.commandTook},
		{name: "swift", arguments: "NAME", summary: `wait until SyftBox sends the response by its fast path; needs "box sync"`, run: r.responses.commandSwift},
		{name: "readable", arguments: "NAME", summary: "check that the owner of the response's file may read it, and that the mode lets SyftBox do so", run: r.responses.commandReadable},
		{name: "same", arguments: "NAME", summary: "check that the response is unchanged since it was first read", run: r.responses.commandSame},
		{name: "unanswered", arguments: "NAME...", summary: "check that requests have no response now", run: r.responses.commandUnanswered},
		{name: "answered", arguments: "NAME [BODY]", summary: "wait for the responses to a burst, and check their bodies", run: r.responses.commandAnswered},

		// Handlers.
		{name: "running", arguments: "NAME", summary: "wait until a handler has the request, which was sent to /record or /slow", run: r.handlers.commandRunning},
		{name: "ran", arguments: "NAME N|N+", summary: "check how often /record or /slow ran a request, or each of a burst; N+ is N times or more", run: r.handlers.commandRan},
		{name: "lapses", arguments: "NAME", summary: "wait until a request to /record or /slow has expired and is answered, and check that it is not run after it expired", run: r.responses.commandLapses},
		{name: "unrun", summary: "check that /record and /slow ran no request", run: r.handlers.commandUnrun},

		// Workers.
		{name: "worker", arguments: "start|stop|kill|suspend|resume|promote NAME",
			summary: "start another server, with the options of the first, that shares its work, and wait until it is ready; stop, kill, suspend or resume it; after the first has ended, go on with it as the server under test",
			run:     r.workers.commandWorker},
		{name: "fenced", arguments: "NAME", summary: "check that no request of a burst was run twice, unless a handler had it when a worker was suspended", run: r.workers.commandFenced},
		{name: "age", summary: "set the times of all files in the app's folder outside of $RPC to 1970", run: r.workers.commandAge},
		{name: "stored", arguments: "N", summary: "wait until the app's folder has at most N files outside of $RPC", run: r.workers.commandStored},

		// Files.
		{name: "collect", summary: "remove all requests of the script and their responses, each request before its response, as clients do", run: r.files.commandCollect},
		{name: "tidy", arguments: "NAME", summary: "wait until the request's folder holds only requests, responses and .syftkeep", run: r.files.commandTidy},
		{name: "confined",
			summary: "check that nothing appeared in $WORK since the server was ready except responses beside their requests, the script's own files, and *.tmp in the app's folder, where a server may store replies",
			run:     r.files.commandConfined},

		// Encryption.
		{name: "person", arguments: "[-new] [-seals] [-forged | -copy OTHER] ADDRESS",
			summary: "make keys for a sender, -new makes others, and write the DID document; -seals promises seals, -forged replaces the prekey by one that the identity key has not signed, -copy writes the document of OTHER and uses those keys",
			run:     r.crypt.commandPerson},
		{name: "encrypt", arguments: "-from ADDRESS [-method M] [-header 'NAME: VALUE']... [-seal] [-keys ADDRESS] [-claim ADDRESS] [-receiver ADDRESS] [-to ADDRESS] [-message OTHER] [-strip] [-alter MEMBER] [-cut MEMBER] [-added 'NAME: VALUE'] [-changed METHOD] NAME ENDPOINT [BODY]",
			summary: "send an encrypted request, with a seal if -seal is given; -keys encrypts with the keys of somebody else, -claim and -receiver change the members sender and receiver, -to encrypts for somebody else, -message sends the message of an earlier request, -strip gives it the iv of a sealed message and no seal, -alter changes a bit of ek, iv, ciphertext or tag, and ek.last one that X25519 ignores, -cut shortens one of these or the whole message, -added and -changed change headers and the method after the seal was made",
			run:     r.crypt.commandEncrypt},
		{name: "decrypted", arguments: "NAME CHECK [VALUE...]", summary: "wait for the response to an encrypted request, decrypt its body, and check it like expect", check: r.crypt.commandDecrypted},
		{name: "sealed", arguments: "NAME", summary: "wait for the response to an encrypted request, and check that it has a seal that fits", run: r.crypt.commandSealed},
		{name: "document", summary: "check that the server's DID document is valid, and has the keys that it had when this command last ran", run: r.crypt.commandDocument},
		{name: "private", summary: "check that only the owner may access the server's private keys", run: r.crypt.commandPrivate},

		// Cleanup.
		{name: "cleaned", arguments: "PATH...", summary: "like gone, but skip the scenario if the paths stay", run: r.files.commandCleaned},
		{name: "orderly", arguments: "[-watch] NAME", summary: "-watch: watch the folder of a request, before the server starts; else wait until all pairs of a folder are removed, and check that each request was removed before its response; skip the scenario if they stay", run: r.files.commandOrderly},
		{name: "orphaned", arguments: "NAME", summary: "remove the request, and check that the server removes the response after the declared orphan_ms, and not earlier", run: r.files.commandOrphaned},

		// Layout.
		{name: "permits", arguments: "USER read|write PATH", summary: "check what the permissions in $RPC allow a user", check: r.files.commandPermits},
		{name: "schema", arguments: "object | has ENDPOINT... | features | entries", summary: "check rpc.schema.json", run: r.files.commandSchema},
	}
}

// fileCommands are the commands of both roles.
func (r *Run) fileCommands() []command {
	return []command{
		// The process.
		{name: "idle", arguments: "DURATION", summary: "send nothing for DURATION", run: r.server.commandIdle},
		{name: "memory", arguments: "MIB", summary: "check the server's peak memory", run: r.server.commandMemory},
		{name: "descriptors", arguments: "[N]", summary: "record how many descriptors the server has open; with N, check that it has at most N more", run: r.server.commandDescriptors},
		{name: "declares", arguments: "settle_ms|poll_ms N", summary: "check that the ready line declares a settle time or poll interval of at most N ms", run: r.server.commandDeclares},

		// Files.
		{name: "present", arguments: "PATH...", summary: "check that paths exist", run: r.files.commandPresent},
		{name: "absent", arguments: "PATH...", summary: "check that paths do not exist", run: r.files.commandAbsent},
		{name: "identical", arguments: "FILE1 FILE2", summary: "check that two files have the same content", run: r.files.commandIdentical},
		{name: "appears", arguments: "PATH...", summary: "wait until paths exist", run: r.files.commandAppears},
		{name: "gone", arguments: "PATH...", summary: "wait until paths do not exist", run: r.files.commandGone},
		{name: "remove", arguments: "PATH...", summary: "remove files and folders", run: r.files.commandRemove},
		{name: "touch", arguments: "DURATION|epoch PATH", summary: "set the times of a file to now plus DURATION, -48h is two days ago, or to 1970", run: r.files.commandTouch},
		{name: "link", arguments: "TARGET NAME", summary: "make a symbolic link; skip the scenario if the system has none", run: r.files.commandLink},
		{name: "fifo", arguments: "NAME", summary: "make a FIFO; skip the scenario if the system has none", run: r.files.commandFIFO},
	}
}

func (r *Run) clientCommands() []command {
	return []command{
		// The client.
		{name: "client", arguments: "start [KEY=VALUE...] | stop [-signal | -input] | kill | suspend | resume",
			summary: "start the client with options (SPEC.md, Appendix A) and wait until it is ready; stop it by SIGTERM, the end of its input or both; kill it; suspend it by SIGSTOP, and resume it",
			run:     r.server.commandServer},
		{name: "requires", arguments: "max_response_size N", summary: "skip the scenario unless the ready line declares a size limit of at most N bytes", run: r.server.commandRequires},

		// Calls.
		{name: "call", arguments: "[-method M] [-header 'NAME: VALUE']... [-body-size N [-body-seed N]] [-expires DURATION] [-url URL] [-times N] [-cached] NAME ENDPOINT [BODY] | -again OTHER [FLAG...] NAME [ENDPOINT [BODY]]",
			summary: "tell the client to make a call, or N at once, which are NAME-1 to NAME-N and together NAME; -cached makes a cached call, which needs the feature cached, and -again repeats the call OTHER, with all its headers, except for what the other flags and arguments change",
			run:     r.client.commandCall},
		{name: "result", arguments: "NAME CHECK [VALUE...]", summary: "wait for the result of a call, or of each of several, and check it (see client_result.go)", check: r.client.commandResult},
		{name: "pending", arguments: "NAME...", summary: "check that calls have no result yet", check: r.client.commandPending},
		{name: "lasted", arguments: "NAME DURATION", summary: "wait for the result of a call, and check that it did not come earlier after the call", check: r.client.commandLasted},

		// Requests.
		{name: "request", arguments: "NAME", summary: "wait for the request of a call; set $REQUEST_NAME, $RESPONSE_NAME and $STEM_NAME", run: r.client.commandRequest},
		{name: "sent", arguments: "NAME CHECK [VALUE...]", summary: "wait for the request of a call, and check it (see client_result.go)", check: r.client.commandSent},
		{name: "unsent", arguments: "NAME...", summary: "check that calls made with -again have sent no request of their own", run: r.client.commandUnsent},
		{name: "expire", arguments: "NAME", summary: "wait until the request of a call, which was found before, has expired", run: r.client.commandExpire},
		{name: "paced", arguments: "NAME DURATION", summary: "check that the requests of several calls were written DURATION apart on average, or more", run: r.client.commandPaced},
		{name: "unique", summary: "check that no two requests have the same name", run: r.client.commandUnique},
		{name: "nudged", arguments: "NAME", summary: "wait until the request was written to after it appeared; skip the scenario if the system does not show that", run: r.client.commandNudged},
		{name: "lose", arguments: "NAME...", summary: "remove requests, as SyftBox does when it loses them", run: r.client.commandLose},
		{name: "resent", arguments: "NAME", summary: "wait until the client has written a lost request again, and check that it has the same bytes", run: r.client.commandResent},
		{name: "reject", arguments: "NAME MARKER", summary: "give the request a marker such as .rejected, as SyftBox does", run: r.client.commandReject},

		// Responses.
		{name: "respond", arguments: "[-status N] [-header 'NAME: VALUE']... [-body-size N [-body-seed N]] [-set FIELD=JSON]... [-unset FIELD]... [-upper FIELD] [-content FILE] [-first N | -until TEXT [-zeros]] [-via MODE] [-into FILE] NAME [BODY]",
			summary: "wait for the request of a call, and deliver a response; -upper changes a field to upper case, -content is all of it, -first delivers its first N bytes, -until those to the end of a TEXT, -zeros zeros for the others, -into writes it elsewhere", run: r.client.commandRespond},
		{name: "finish", arguments: "NAME [N]", summary: "write the rest of a response that was delivered with -first, or its next N bytes", run: r.client.commandFinish},
		{name: "trickle", arguments: "NAME...",
			summary: "write pieces of responses that were delivered with -first for longer than the settle time, and check that the calls have no results", run: r.client.commandTrickle},
		{name: "return", arguments: "request|response NAME", summary: "bring back the request or the response of a call, as SyftBox does", run: r.client.commandReturn},
	}
}

// testscriptCommands returns the commands for testscript, with "box".
func (r *Run) testscriptCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	commands := boxscript.Commands()
	for name, run := range commands {
		if r.scene.config.Role == target.Client {
			delete(commands, name) // the suite delivers responses itself
			continue
		}
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			r.scene.addCommand(name, neg, args)
			began := time.Now()
			run(ts, neg, args)
			r.requests.delivered(args, began)
		}
	}
	for _, c := range r.commands() {
		commands[c.name] = func(ts *testscript.TestScript, neg bool, args []string) {
			r.scene.addCommand(c.name, neg, args)
			r.finish(ts, c.name, args, c.do(ts, neg, args))
		}
	}
	return commands
}

func (c command) do(ts *testscript.TestScript, neg bool, args []string) error {
	var err error
	switch {
	case c.check != nil:
		err = c.check(neg, args)
	case neg:
		return fmt.Errorf("unsupported: ! %s", c.name)
	default:
		err = c.run(ts, args)
	}
	if errors.Is(err, errUsage) {
		return fmt.Errorf("usage: %s %s", c.name, c.arguments)
	}
	return err
}
