// Package syftevent answers and makes RPC calls over the folders that SyftBox
// keeps in step between people's machines.
//
// A call is a file. A client writes <id>.request into a folder of the server's
// datasite, SyftBox carries it over, the server writes <id>.response beside it,
// and SyftBox carries that back:
//
//	datasites/bob@example.com/app_data/calculator/rpc/
//	├── syft.pub.yaml                  who may write and read here
//	└── add/                           the endpoint
//	    ├── .syftkeep
//	    └── alice@example.com/         the sender, whom SyftBox vouches for
//	        ├── 5f5b153c-….request
//	        └── 5f5b153c-….response
//
// # Serving
//
// A [Router] maps endpoints to handlers, and a [Server] finds the requests,
// hands each to its handler and publishes the response:
//
//	router := syftevent.NewRouter()
//	router.OnRequest("/users/{id}", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
//		return syftevent.JSON(200, map[string]string{"id": req.PathValue("id"), "for": req.Sender})
//	})
//	server := &syftevent.Server{AppName: "directory", Router: router}
//	err := server.Run(ctx)
//
// Requests are found by looking for them and not by the operating system's
// notifications, which tell nothing of what another machine writes to a network
// file system.
//
// A handler made by [Typed] takes and returns Go values, and its schema is
// published beside the requests. [Middleware] wraps handlers; [BearerAuth],
// [RateLimit], [Timeout], [AuditLog] and [Throttle] are there. What is old is
// removed by the server, or by a [PeriodicCleanup].
//
// # Calling
//
//	client, err := syftevent.LoadClient("")
//	req, err := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/directory/rpc/users/42", nil)
//	response, err := client.Call(ctx, req)
//
// [Client.Send] returns at once, with a [Future] to wait for, and
// [Client.Broadcast] sends to many.
//
// # What is promised
//
// A request that is complete is handed to its handler at least once, and gets
// one response, which appears whole or not at all, beside the request. What a
// file says of itself decides nothing: the folder in which it lies does. No
// file that arrives can stop the server.
//
// The rules are written down in SPEC.md at the top of the repository. Comments
// name the requirements that they carry out by their ids in brackets, as in
// [publish-whole].
package syftevent
