// Package syftevent implements servers and clients for RPC over the folders that
// SyftBox synchronizes between people's machines.
//
// [Client.Call] makes a call:
//
//	client, err := syftevent.LoadClient("")
//	if err != nil {
//		// handle error
//	}
//	req, err := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/directory/rpc/users/42", nil)
//	if err != nil {
//		// handle error
//	}
//	response, err := client.Call(ctx, req)
//	if err != nil {
//		// handle error
//	}
//	fmt.Println(response.StatusCode, response.Text())
//
// [Server.Run] answers calls until its context is canceled:
//
//	router := syftevent.NewRouter()
//	router.HandleFunc("/users/{id}", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
//		return syftevent.JSON(200, map[string]string{"id": req.PathValue("id"), "for": req.Sender})
//	})
//	server := &syftevent.Server{AppName: "directory", Router: router}
//	err := server.Run(ctx)
//
// # Servers
//
// A [Server] serves one app, such as "directory", in the datasite of one person, which is
// the folder with that person's e-mail address in SyftBox's folder "datasites". It polls the app's
// folders for requests, passes each request to its [Router], and publishes the response. It
// does not use file system notifications, because they miss what other machines write to a
// network file system.
//
// [Server.Start] returns when the server is ready, and [Server.Shutdown] stops it after
// the handlers in flight have returned, or after DrainTimeout. Only one server runs for an
// app at a time, if the file system supports locks: a second one waits 10 s and then fails
// with [ErrAppServed].
//
// [Server.Watch] calls a function when files of datasites are created, changed or removed. These
// files are found by polling, too.
//
// # Handlers
//
// A [Handler] maps a [Request] to a [Response]. A Router selects the handler by method and
// path, with patterns like those of [net/http.ServeMux]; [Router] lists the differences.
// [Typed] makes a handler from a function on Go values; the server publishes its schema in
// rpc.schema.json. [Middleware] wraps handlers. The package provides [BearerAuth],
// [RateLimit], [Throttle], [Timeout] and [AuditLog].
//
// An error that is or wraps an *[Error] chooses the response. Any other error becomes a
// response with status 500 and a generic text; its details are logged.
//
// Package syfteventtest, below this one, tests handlers with and without a server, and package
// syfthttp connects handlers and clients with net/http. Package fakebox,
// beside it, simulates a SyftBox network.
//
// # Clients
//
// [Client.Send] writes a request and returns a [Future], a pending response.
// [Client.Call] sends and waits. [Client.Broadcast] sends one request to several
// servers. While it waits, the client resends a request that SyftBox loses. After it has
// read the response, it removes both files.
//
// The client and the server only read and write files in the SyftBox folder of their own
// machine. SyftBox moves the files between the machines.
//
// # Files on disk
//
// A call consists of two files:
//
//	datasites/bob@example.com/app_data/directory/rpc/
//	├── syft.pub.yaml                  permissions
//	├── rpc.schema.json                schemas of the endpoints
//	└── users/                         created by the server for /users/{id}
//	    ├── .syftkeep                  keeps SyftBox from pruning the folder
//	    └── 42/                        endpoint /users/42
//	        └── alice@example.com/     sender
//	            ├── .syftkeep
//	            ├── 5f5b153c-….request
//	            └── 5f5b153c-….response
//
// The server keeps its lock, a file .syftkeep, its reply cache (see [Handler]) and what handlers
// of watched files have seen in the app's folder, outside of rpc. It removes old requests and responses; [PeriodicCleanup] does
// the same for apps whose server does not run all the time.
//
// # Senders
//
// The folder that holds a request names its sender, and the server refuses a request whose
// content names another. Who can write into that folder is up to SyftBox and the permissions
// in syft.pub.yaml. The server writes this file if it is missing: every user of SyftBox may
// then send requests, in a folder with the user's own address only. The server keeps a file
// that is there, also one of another program, and does not check its rules.
//
// To restrict who may call, create rpc/syft.pub.yaml before the first start, as a copy of the
// file in SPEC.md, section 9, or edit the file that the server wrote. Replace each line
// "- 'USER'" with one line for each permitted caller, such as "- 'alice@example.com'". Do not
// change the patterns: {{.UserEmail}} is the address of the user who asks for access, so that
// each caller can write only in folders with the caller's own address. If a pattern lacks it,
// as "**/*.request" does, everyone with write access can forge the senders whose folders the
// pattern matches.
//
// Three kinds of requests have no authenticated sender whatever the rules are:
//
//   - SyftBox's HTTP gateway lets anyone who can reach it send a request under any address. The
//     server cannot tell such a request from others.
//   - Requests in the legacy layout have no sender folder; their [Request.SenderVerified] is
//     false.
//   - SyftBox takes a user whose address is a prefix of the owner's for the owner:
//     bob@example.co can read and write everything in the datasite of bob@example.com.
//
// Where the identity matters, also require a secret, a different one for each sender: callers
// who share a secret can forge each other. [BearerAuth] checks a secret in requests that
// clients write as files. The gateway removes the header Authorization, so that BearerAuth
// refuses all its requests; to admit them, check another header. A secret in a request does
// not protect from a user whose address is a prefix of the owner's, who can read it there.
//
// Package syftcrypt, below this one, encrypts calls. Without it, and with the server's
// permissions, a request can be read by the sender, the owner of the datasite, SyftBox's server,
// and a user whose address is a prefix of the owner's. A response is less protected: the gateway
// gives it to anyone who claims the sender's address and knows the ID, and every user of SyftBox
// can list the IDs.
// Everybody can read rpc.schema.json.
//
// # Guarantees
//
// A complete request that the server does not refuse is handled at least once and gets one
// response. A refused one is not handled, and gets one response that says why. The server
// ignores, and logs, a request that is in no folder of an endpoint or sender, one for an
// endpoint of another server (see [Router]), and one whose name is too long for that of a
// response. The response appears under its name whole or not at all. A request that arrives
// in pieces is handled when it is complete. A file that a sender writes cannot stop the
// server or prevent its next start.
//
// After publishing a response of at most 3 MB, the server writes to it once more. This nudge
// makes SyftBox upload the file immediately; without it, the file waits for SyftBox's next
// full synchronization.
//
// # Crashes
//
// After a crash, the next server handles all unanswered requests, including those that
// were in flight. It does not repeat a request that was answered recently, even if SyftBox
// has deleted the response, as long as the reply cache has it: [Handler] states its limits.
// [Handler] also says how a handler avoids doing its work twice. If three processes begin a
// request and none answers it, the server answers it with status 500 without calling the
// handler, because the request may be what crashes them.
//
// After a power loss a response is complete, empty or malformed. The server
// replaces empty and malformed responses. With [Server.Durable] it syncs each response to
// disk before the response counts as published, so that none is lost.
//
// A full disk, or a process without free file descriptors, delays the server while the
// condition lasts. The server retries and does not stop.
//
// # Limits
//
// The server limits the memory of requests and replies, handlers in flight, folders that are
// kept open (a quarter of the process's file descriptors, 256 at most), log lines (30 of a
// kind a minute) and known folders (131,072). When a limit is near, each sender can use only
// a part of what is left. The fields of [Server] set the most important limits, and
// [Server.Stats] reports their use.
//
// On a local file system, with a PollInterval of at most 2 s and the default IdleShare, a
// small request (up to 16 KiB) from a sender with no handler in flight starts within 3 s, no
// matter what other senders do, while fewer than Concurrency + Reserve handlers run. Requests
// of the legacy layout count as those of one sender. There are two exceptions. If senders have
// more than 4,096 folders together, the server scans those without a request in the last day
// in turn, 10,000 in about 3 s. The other is an endpoint whose pattern has a wildcard: if
// someone creates 49,000 folders below it, only a full scan finds new folders of other
// senders. A full scan lists every folder, whether or not its mtime has changed, and runs
// every 30 s to 15 min.
//
// This command measures the limits, as root on Linux, in 12 minutes:
//
//	go test -run 'TestProof|TestHostile' -v ./syftevent -proof -prooftime 10s -modelseeds 200 -logfiles 1000
//
// Results of 26 November 2026, on two shared cores:
//
//   - Slow handlers: while 1,000 senders have handlers that do not return, a known sender
//     waits 0.1 s and a new sender 1 s. A known sender is one that has called before.
//   - Folders: while one sender creates 20,000 folders, another waits 10 ms (median), or
//     up to 2 s in a new folder. Afterwards the server uses 3 to 6 % of a core for a
//     minute and then about 1 %, also with 200,000 folders.
//   - Memory: 110 MiB with 32 requests of 15 MiB each; 152 MiB when starting with wide,
//     deep and sparse files; 157 MiB with a folder of 300,000 requests with the longest
//     names.
//   - Descriptors: with a limit of 128 descriptors, 300 senders are all answered. When
//     another program releases all descriptors, the server recovers within 24 ms.
//   - Kills: 2,855 requests were all answered through 57 kills. The 322 requests in flight
//     at a kill ran again.
//   - Power loss: after four losses on ext4, none of 11,325 responses was torn; 11,022
//     were empty and were answered again after the restart. With Durable none was empty.
//   - Log: 1,000 hostile files of one kind cause at most 16 KB of log output in a minute;
//     1,000 panics cause 64 KB, including stacks.
//
// # Network file systems
//
// The server runs on NFS, SMB, sshfs and GlusterFS. There it does not trust directory mtimes,
// so each scan lists every folder, 16 folders at a time. The pause between two scans is five
// times as long as a scan takes, two times if it found requests, and at most 30 s. A request is
// found within six times the duration of a scan, and a PollInterval, after the mount shows it:
// within 2 s if there are 1,000 folders and listing one takes 5 ms. A scan that sets the mtime of
// each folder, as below, takes up to twice as long. Folders that had a request in the last minutes
// are scanned more often. What a burst adds to the duration of a scan does not make the next
// pause longer.
//
// Some mounts show old listings: NFSv3 for as long as the mtime of the folder is the same, which
// may miss a file that was created within one tick of the file server's clock after another, and
// sshfs for 20 s. Setting the mtime of the folder ends both. The server does so half a second
// after a folder has changed, every second on sshfs, and otherwise every 30 s. Before it runs a
// handler, it asks for the response by name, because a listing may lack it: a server that is
// restarted does not run again what was answered just before. Setting the mtime of a folder
// that belongs to another user fails, which is logged once.
//
// [Server.Stats] reports how long a scan takes and how long the next one waits. With
// the environment variable SYFTEVENT_DEBUG=1 the server logs each scan that covers all
// folders or lists one.
//
// # Workers
//
// An app whose handlers need more than one machine, for inference on GPUs for example, can have
// several servers. Put the datasite on a file system that all hosts mount, run SyftBox on one of
// the hosts, and set [Server.ShareWork] on each server:
//
//	server := &syftevent.Server{AppName: "generate", Router: router, ShareWork: true,
//		Concurrency: 2, Reserve: -1} // two handlers at once on each host
//
// The servers, called workers, know each other by files in the folder .syftevent-workers.tmp of
// the app, which SyftBox does not synchronize. "syftevent workers APP" lists them, and
// [ListWorkers] and [Server.Workers] return them. They may start and stop at any time.
//
// A worker claims a request when it has read it and has a free handler: it makes a symbolic link
// that names itself, which succeeds for one worker only. Each request has a first choice among the
// workers, by a hash; another one takes it if it is still there after twice the poll interval and
// a handler is free. One worker leads: it writes the permissions and the schema, runs the cleanup,
// and removes the claims of requests that are gone for two minutes (or [Server.OrphanDelay]).
//
// Each worker renews its heartbeat, a file, every second. The others take it for dead when they
// have seen the same heartbeat for [Server.WorkerTimeout]; clocks of different hosts are not
// compared. Then they take over what it had claimed, and another one leads. On Linux, the end of a
// process is noticed within two seconds by workers on the same host. A worker that is stopped says
// so, and its unanswered requests are taken over at once.
//
// What is promised: each request gets one response, which does not change, and no request is
// lost while one worker runs. Each request is run once, with these exceptions, where it is run
// at least once: its worker was killed, or was cut off from the file system or suspended for
// WorkerTimeout, while the handler was running; its handler was canceled because the worker
// stopped; its file was missing for two minutes (or OrphanDelay) and came back; or the folder
// .syftevent-workers.tmp was removed. A worker that cannot renew its lease for half of
// WorkerTimeout begins no more requests until it can. In the exceptional cases two handlers may
// run the request at the same time: [Request.Generation] lets a store reject the older one. A
// request at whose handling three workers have died is answered with 500.
//
// On Linux, a worker on a network file system notices that its machine was suspended. The pause
// of a virtual machine shows on no clock, and the sleep of a machine with another system is not
// noticed: a worker that stops there between its claim and its handler may begin a request that
// another one has run meanwhile.
//
// Set these alike on all workers: the routes, or at least the methods of each path, and
// WorkerTimeout. A worker takes only requests for which it has a route. A request for which no
// worker has a route, or had one in the last ten minutes, is answered with 404 by the leader. The
// schema is that of the leader. To serve the legacy layout's leftovers, the first worker
// moves them when it starts alone. Servers with and without ShareWork exclude each other.
//
// What the file system needs: symbolic and hard links, and names that appear on other hosts.
//
//	local (ext4, xfs, tmpfs ...)   for several processes on one host
//	GlusterFS, CephFS, Lustre      default options; WorkerTimeout 30 s
//	NFSv4, NFSv3                   default options; WorkerTimeout 45 s. With actimeo=1 and
//	                               lookupcache=positive, 10 s are enough
//	sshfs                          dir_cache=no,cache=no
//	SMB, rclone                    not suitable: no hard links, or no symbolic links
//
// TestWorkersProof kills, suspends and restarts workers at random, and on GlusterFS cuts them off
// from their mount: it passed on local file systems, on GlusterFS with four bricks, on NFSv3 with
// nolock and on NFSv4.2, with a mount for each worker. The others have the calls that are needed,
// but were not tested with workers. On 29 November 2026 (two shared cores) 1, 2, 4 and 8 workers with
// four handlers of 20 ms each answered 189, 377, 721 and 1,334 requests a second on tmpfs, and 178,
// 340, 585 and 1,138 on ext4. A claim takes one call: 4 us on tmpfs, 0.7 ms on ext4 after many files
// were removed, and 2 to 4 ms on GlusterFS. There, on four bricks on two busy cores, any number of
// workers answered 24 to 52 requests a second, and bare loops that only read, claim, write and link
// 120 to 300: workers help where handlers take longer than the file system. An idle worker uses as
// much processor time as a server without ShareWork, 0.4 % of a core with 20 folders:
//
//	go test -run 'Workers(Proof|Throughput)' -v ./syftevent -proof
//
// Without ShareWork there is one server per app. Because locks of NFS mounted with nolock, and of
// sshfs, do not reach other hosts, a server on a network file system has a heartbeat as well. One
// that finds the heartbeat of a server on another host waits 10 s for it to stop and then returns
// [ErrAppServed]. After a crash of a host, a server on another host waits for WorkerTimeout.
// A server on the host whose local disk is exported has no heartbeat: run it on a mount.
//
// # Performance
//
// These figures were measured on 25 November 2026 on two shared cores (Linux 6.18, Go
// 1.26) against the Python package syft-event 0.4.3 and a bare loop in one goroutine that
// only lists, reads, decodes, writes, links and unlinks. They are medians of five runs
// (start: three; idle: one minute). The first command makes all rows but the last:
//
//	bin/syftevent-conformance bench -dir DIR -name syft-event -- .venv/bin/python testdata/targets/python/server.py
//	go test -run '^$' -bench Idle ./syftevent/internal/spool
//
//	                                                tmpfs                    ext4
//	requests/s, 2,000 at once in one folder         16,000 (11.9 x Python)   10,700 (7.7 x Python)
//	requests/s, 2,000 at once in 20 folders         16,900 (11.9 x Python)   12,500 (8.7 x Python)
//	both, relative to the bare loop                 0.86, 0.84               0.93, 0.93
//	latency, folder of 0 to 200 pairs               0.40 ms (Python 0.71)    0.47 ms (Python 0.80)
//	latency, folder of 1,000 to 1,200 pairs         0.97 ms (Python 0.76)    1.56 ms (Python 0.79)
//	CPU when idle, 126 endpoints x 20 senders       0.7 % of a core          0.8 % of a core
//	CPU when idle, 1,000 endpoints x 20 senders     2.1 % of a core          2.1 % of a core
//	start with 50,000 answered pairs                0.05 s (Python 2.1)      0.06 s (Python 3.5)
//	memory after 2,000 requests                     19.1 MB (Python 50.7)    19.2 MB (Python 50.7)
//	idle scan of 2,647 folders, relative to lstat   0.87                     0.88
//
// Polling has two costs. An idle server uses some CPU time; one with notifications uses none.
// For five minutes after a request it uses more than the table shows, because it scans that
// request's folder often: in the first 30 s, 3 % of a core with 126 endpoints and 8 % with
// 1,000 (bench -idle 30s, 27 November 2026, on a busy virtual machine where each wake-up of a
// program costs 0.1 ms). And each response costs one listing of its folder, 0.4 ms for 2,000
// names on tmpfs; frequent cleanups keep folders small. More than half of the memory in the
// table belongs to the conformance suite, which the measured program contains: the server in
// README.md uses 10.7 MB (ps -o rss= -p PID).
//
// These figures were measured on 26 November 2026 on the real SyftBox (December 2025;
// server, blob store and clients on loopback), by
//
//	make bench-real SYFTBOX=DIR REAL='-rounds 2'
//
//	                                         this package               Python package
//	round trip, p50 and p90 of 40            0.113 s, 0.114 s           0.112 s, 0.117 s
//	after 20 s of silence, p50 and p90       0.109 s, 0.113 s           5.01 s, 7.96 s
//	40 calls at once                         40 answered in 0.34 s      36 in 0.33 s, 4 not in 60 s
//	100 calls at once                        100 answered in 0.72 s     100 in 1.2 s
//	300 calls at once                        300 answered in 3.7 s      300 in 3.4 s
//	120 calls through outages                120 answered, none twice   120 answered, none twice
//	files left 2 min after 80 calls          none                       2 at each side
//
// The outages are a killed SyftBox client, a server that is down for 8 s, and a killed
// server of the app. On a busy machine SyftBox drops messages: some of 100 or more calls
// at once then take up to 25 s, until the request is sent or the response is published
// again. About one file in a hundred takes 5 s in any case, because a full
// sync starts within the 50 ms before it is sent.
//
// A waiting client uses 0.9 % of a core for one call, 5 % for 100 and 10 % for 1,000 in
// the first ten seconds, and less later:
//
//	go test -run '^$' -bench Wait -benchtime 1x ./syftevent
//
// # Migrating from the Python package
//
//	syft-event, syft-rpc, syft-core               syftevent
//	Client.load()                                 LoadClient("")
//	SyftBoxURL(s), make_url                       ParseURL(s), MakeURL
//	SyftEvents(app_name, client, router,          Server{AppName, Client, Router,
//	    poll_interval)                                PollInterval}
//	app.run(), start(), stop()                    Run(ctx), Start(ctx), Shutdown(ctx)
//	@app.on_request("/x")                         router.HandleFunc("/x", f)
//	EventRouter(), router.routes                  NewRouter(), Routes()
//	app.include_router(r, prefix)                 router.Include(prefix, r)
//	a handler with dataclasses or models          router.Handle("/x", Typed(f)); RequestFrom(ctx)
//	Response(body, status_code, headers)          JSON, Text, Bytes or &Response{…}
//	an exception, debug_mode                      an error, Errorf(status, …); DebugMode
//	auth_required and other decorators            Use(middleware)
//	generate_schema(f), docstrings                GenerateSchema(h), Describe(text, h)
//	PeriodicCleanup(app_name, cleanup_interval,   PeriodicCleanup{AppName, Interval,
//	    cleanup_expiry, on_cleanup_complete)          Expiry, OnComplete}
//	cleanup_now(), get_stats(), is_running()      CleanupNow, Stats, Running
//	cleanup_expiry, get_cleanup_stats()           Server.CleanupExpiry, Stats().Cleanup
//	parse_time_interval("1d2h")                   ParseInterval("1d2h")
//	rpc.send(url, method, body, headers, expiry)  NewRequest, client.Send
//	future.wait(timeout), future.resolve()        future.Wait(ctx), future.Poll()
//	rpc.broadcast(urls)                           client.Broadcast(ctx, req, urls)
//	bulk.gather_completed()                       futures.Wait(ctx)
//	cache=True                                    client.Send(ctx, req, Cached())
//	encrypt=True, auto_decrypt, encrypt_reply     package syftcrypt: Client and Guard
//	bootstrap_user, ensure_bootstrap              syftcrypt.Create, syftcrypt.LoadOrCreate
//	@app.watch("{datasite}/**/*.json")            server.Watch("{datasite}/**/*.json", f)
//	@app.watch(["**/a.csv", "**/b.csv"])          server.Watch once for each pattern
//	event_filter                                  FileEvent.Op
//
// [Server.Watch] differs from app.watch in this:
//
//   - A pattern with a slash is relative to the folder "datasites". The Python package matches
//     the end of the absolute path: alice@example.com/*.json also matches a file in a folder of
//     that name in somebody else's datasite. Write **/public/*.json for public/*.json.
//   - A pattern matches files, not the folders that contain them: write alice@example.com/**
//     for alice@example.com or alice@example.com/*.
//   - {app_data} works. In the Python package, patterns that begin with it match nothing.
//   - Files that exist at the first start, and changes while the server was down, are reported, and
//     so are removed files. A renamed file is removed and created.
//   - One event follows 2 to 3 s after the last change, instead of several at once.
//   - Names that SyftBox ignores and symbolic links are not reported.
//   - After an error the handler is called again. In the Python package an exception ends the
//     calls of all handlers, and a handler that is a coroutine function never runs.
//
// # Specification
//
// SPEC.md in the root of the repository specifies the protocol. Comments refer to its
// requirements by id, such as [publish-whole].
package syftevent
