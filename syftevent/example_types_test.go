package syftevent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// quiet is for examples whose server has nothing to say.
var quiet = slog.New(slog.DiscardHandler)

// exampleServer starts a server of an app "greeter" in a new folder, which end
// removes. Server and client share the folder: there is no SyftBox between them.
func exampleServer() (client *syftevent.Client, end func()) {
	dir, err := os.MkdirTemp("", "syftevent")
	if err != nil {
		panic(err)
	}
	router := syftevent.NewRouter()
	router.OnRequest("/hello", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "Hello, "+req.Sender), nil
	})
	server := &syftevent.Server{
		AppName: "greeter",
		Client:  &syftevent.Client{Email: "bob@example.com", DataDir: dir},
		Router:  router,
		Logger:  quiet,
	}
	if err := server.Start(context.Background()); err != nil {
		panic(err)
	}
	return &syftevent.Client{Email: "alice@example.com", DataDir: dir}, func() {
		server.Shutdown(context.Background())
		os.RemoveAll(dir)
	}
}

func ExampleClient() {
	client, end := exampleServer()
	defer end()
	req, err := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/greeter/rpc/hello", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	response, err := client.Call(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.StatusCode, string(response.Body))
	// Output: 200 Hello, alice@example.com
}

func ExampleLoadClient() {
	dir, err := os.MkdirTemp("", "syftbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.json")
	os.WriteFile(path, []byte(`{"email": "bob@example.com", "data_dir": "/home/bob/SyftBox"}`), 0o600)
	client, err := syftevent.LoadClient(path)
	fmt.Println(client.Email, filepath.ToSlash(client.AppData("chat")), err)
	// Output: bob@example.com /home/bob/SyftBox/datasites/bob@example.com/app_data/chat <nil>
}

func ExampleConfigError() {
	_, err := syftevent.LoadClient(filepath.Join("no", "such", "config.json"))
	var config *syftevent.ConfigError
	fmt.Println(errors.As(err, &config), filepath.Base(config.Path))
	// Output: true config.json
}

func ExampleFuture() {
	client, end := exampleServer()
	defer end()
	ctx := context.Background()
	req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/greeter/rpc/hello", nil)
	future, err := client.Send(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Do something else, and then:
	response, err := future.Wait(ctx)
	switch {
	case errors.Is(err, syftevent.ErrRejected):
		fmt.Println("bob does not let us")
	case errors.Is(err, syftevent.ErrExpired):
		fmt.Println("bob is not there")
	case err == nil:
		fmt.Println(string(response.Body))
	}
	// Output: Hello, alice@example.com
}

func ExampleFutures() {
	client, end := exampleServer()
	defer end()
	ctx := context.Background()
	req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/greeter/rpc/hello", nil)
	futures := client.Broadcast(ctx, req, []string{
		"syft://bob@example.com/app_data/greeter/rpc/hello",
		"syft://bob@example.com/app_data/greeter/rpc/goodbye",
	})
	for _, result := range futures.Wait(ctx) {
		if result.Err != nil {
			fmt.Println(result.URL, result.Err)
			continue
		}
		fmt.Println(result.Future.URL.Endpoint(), result.Response.StatusCode)
	}
	// Output:
	// /hello 200
	// /goodbye 404
}

func ExampleResult() {
	client, end := exampleServer()
	defer end()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, _ := syftevent.NewRequest("GET", "syft://carol@example.com/app_data/greeter/rpc/hello", nil)
	futures := client.Broadcast(ctx, req, []string{req.URL.String()})
	cancel() // carol has no server
	for _, result := range futures.Wait(ctx) {
		fmt.Println(result.Future.URL.Datasite, result.Response, errors.Is(result.Err, context.Canceled))
	}
	// Output: carol@example.com <nil> true
}

func ExampleError() {
	handler := func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return nil, syftevent.Errorf(404, "no user %s", req.PathValue("id"))
	}
	_, err := handler(context.Background(), &syftevent.Request{})
	var chosen *syftevent.Error
	fmt.Println(errors.As(err, &chosen), chosen.StatusCode, chosen.Message)
	// Output: true 404 no user
}

// A counter is a handler with a state of its own.
type counter struct{ calls int }

func (c *counter) ServeSyft(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	c.calls++ // of one request at a time in this example
	return syftevent.JSON(200, c.calls)
}

func ExampleHandler() {
	router := syftevent.NewRouter()
	router.Handle("/count", &counter{})
	req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/app/rpc/count", nil)
	router.ServeSyft(context.Background(), req)
	response, _ := router.ServeSyft(context.Background(), req)
	fmt.Println(string(response.Body))
	// Output: 2
}

func ExampleHandlerFunc() {
	var handler syftevent.Handler = syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, strings.ToUpper(req.Text())), nil
	})
	response, _ := handler.ServeSyft(context.Background(), &syftevent.Request{Body: []byte("loud")})
	fmt.Println(string(response.Body))
	// Output: LOUD
}

func ExampleHeaders() {
	headers := syftevent.Headers{"Content-Type": "text/plain"}
	headers.Set("content-type", "application/json")
	fmt.Println(headers.Get("CONTENT-TYPE"), len(headers))
	// Output: application/json 1
}

func ExampleMiddleware() {
	var stamp syftevent.Middleware = func(next syftevent.Handler) syftevent.Handler {
		return syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			response, err := next.ServeSyft(ctx, req)
			if err == nil {
				response.Headers.Set("X-Served-By", "bob")
			}
			return response, err
		})
	}
	response, _ := stamp(syftevent.HandlerFunc(ok)).ServeSyft(context.Background(), &syftevent.Request{})
	fmt.Println(response.Headers.Get("X-Served-By"))
	// Output: bob
}

func ExamplePeriodicCleanup() {
	dir, err := os.MkdirTemp("", "syftevent")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	client := &syftevent.Client{Email: "bob@example.com", DataDir: dir}
	folder := filepath.Join(client.AppData("greeter"), "rpc", "hello", "alice@example.com")
	os.MkdirAll(folder, 0o755)
	os.WriteFile(filepath.Join(folder, "1.request"), []byte(`{"sender": "alice@example.com", "url": "syft://bob@example.com/app_data/greeter/rpc/hello",
		"created": "2020-01-01T00:00:00Z", "expires": "2020-01-02T00:00:00Z"}`), 0o644)

	expiry, err := syftevent.ParseInterval("7d")
	if err != nil {
		fmt.Println(err)
		return
	}
	cleanup := &syftevent.PeriodicCleanup{AppName: "greeter", Client: client, Expiry: expiry}
	stats, err := cleanup.CleanupNow(context.Background())
	fmt.Println(stats.RequestsDeleted, err)
	// Output: 1 <nil>
}

func ExampleCleanupStats() {
	stats := syftevent.CleanupStats{RequestsDeleted: 2, ResponsesDeleted: 1, LastCleanup: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	fmt.Println(stats)
	// Output: 2 requests and 1 responses deleted, 0 errors, last cleanup 2026-01-31T12:00:00Z
}

func ExampleParseInterval() {
	d, err := syftevent.ParseInterval("1d2h30m")
	fmt.Println(d, err)
	_, err = syftevent.ParseInterval("1.5h")
	fmt.Println(err)
	// Output:
	// 26h30m0s <nil>
	// syftevent: bad interval "1.5h": unknown unit "."; want days, hours, minutes and seconds in this order, such as 1d, 12h or 1d2h30m
}

func ExampleRequest() {
	req, err := syftevent.NewRequest("POST", "syft://bob@example.com/app_data/calculator/rpc/add?precise=1", map[string]int{"a": 2, "b": 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	var in struct{ A, B int }
	err = req.DecodeJSON(&in)
	fmt.Println(req.Method, req.URL.Endpoint(), req.URL.Query, in.A+in.B, err)
	// Output: POST /add precise=1 5 <nil>
}

func ExampleResponse() {
	response, err := syftevent.JSON(201, map[string]bool{"created": true})
	fmt.Println(response.StatusCode, response.Headers, string(response.Body), err)
	// Output: 201 map[Content-Type:application/json] {"created":true} <nil>
}

func ExampleRoute() {
	router := syftevent.NewRouter()
	router.Handle("GET /users/{id}", syftevent.Describe("Show one user.", syftevent.HandlerFunc(ok)))
	for _, route := range router.Routes() {
		fmt.Println(route.Method, route.Pattern, route.Description)
	}
	// Output: GET /users/{id} Show one user.
}

func ExampleRouter() {
	users := syftevent.NewRouter()
	users.OnRequest("/{id}", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "user "+req.PathValue("id")), nil
	})
	router := syftevent.NewRouter()
	router.Include("/v1/users", users)
	for _, endpoint := range []string{"/v1/users/7", "/v2/users/7"} {
		req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/app/rpc"+endpoint, nil)
		response, _ := router.ServeSyft(context.Background(), req)
		fmt.Println(response.StatusCode, string(response.Body))
	}
	// Output:
	// 200 user 7
	// 404 No such endpoint: /v2/users/7
}

type addArgs struct {
	A int `json:"a"`
	B int `json:"b,omitempty"`
}

func add(ctx context.Context, in addArgs) (int, error) { return in.A + in.B, nil }

func ExampleTyped() {
	handler := syftevent.Typed(add)
	for _, body := range []string{`{"a": 2, "b": 3}`, `{"b": 3}`} {
		response, err := handler.ServeSyft(context.Background(), &syftevent.Request{Body: []byte(body)})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(string(response.Body))
	}
	// Output:
	// 5
	// 400: Invalid request schema: field "a" is missing
}

func ExampleSchema() {
	schema := syftevent.GenerateSchema(syftevent.Describe("Add two numbers.", syftevent.Typed(add)))
	data, err := json.MarshalIndent(schema, "", "  ")
	fmt.Println(string(data), err)
	fmt.Println(schema.Validate([]byte(`{"a": "two"}`)))
	// Output:
	// {
	//   "description": "Add two numbers.",
	//   "args": {
	//     "a": {
	//       "type": "int",
	//       "required": true
	//     },
	//     "b": {
	//       "type": "int",
	//       "required": false
	//     }
	//   },
	//   "returns": "int"
	// } <nil>
	// 400: Invalid request schema: field "a" must be of type int
}

func ExampleSchemaField() {
	for _, arg := range syftevent.GenerateSchema(syftevent.Typed(add)).Args {
		fmt.Println(arg.Name, arg.Type.Name, arg.Required)
	}
	// Output:
	// a int true
	// b int false
}

func ExampleSchemaType() {
	list := syftevent.GenerateSchema(syftevent.Typed(func(ctx context.Context, in addArgs) ([]addArgs, error) { return nil, nil })).Returns
	fmt.Println(list.Name, list.Items.Name, list.Items.Model, len(list.Items.Fields()))
	// Output: array model addArgs 2
}

func ExampleStats() {
	server := &syftevent.Server{AppName: "greeter"}
	fmt.Println(server.Stats().Answered)
	// Output: 0
}

func ExampleURL() {
	u, err := syftevent.MakeURL("bob@example.com", "calculator", "/add")
	if err != nil {
		fmt.Println(err)
		return
	}
	local, err := u.LocalPath("datasites")
	fmt.Println(u, filepath.ToSlash(local), err)
	u.Path = "/../../etc"
	_, err = u.LocalPath("datasites")
	fmt.Println(err)
	// Output:
	// syft://bob@example.com/app_data/calculator/rpc/add datasites/bob@example.com/app_data/calculator/rpc/add <nil>
	// syftevent: URL "syft://bob@example.com/../../etc" must not have the segment ".."
}

func ExampleReply() {
	type item struct {
		Name string `json:"name"`
	}
	create := syftevent.Typed(func(ctx context.Context, in item) (syftevent.Reply[item], error) {
		return syftevent.Reply[item]{StatusCode: 201, Headers: syftevent.Headers{"Location": "/items/1"}, Value: in}, nil
	})
	req, _ := syftevent.NewRequest("POST", "syft://bob@example.com/app_data/shop/rpc/items", item{"tea"})
	response, err := create.ServeSyft(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.StatusCode, response.Headers.Get("Location"), response.Text())
	// Output: 201 /items/1 {"name":"tea"}
}

func ExampleRefusal() {
	server := &syftevent.Server{
		AppName: "greeter",
		OnRefuse: func(ctx context.Context, refusal syftevent.Refusal) {
			fmt.Println(refusal.Sender, refusal.Endpoint, refusal.StatusCode, refusal.Reason)
		},
	}
	// The server calls it for a request that came too late, for example:
	server.OnRefuse(context.Background(), syftevent.Refusal{
		Sender: "alice@example.com", SenderVerified: true, Endpoint: "/hello", StatusCode: 419, Reason: "Request expired",
	})
	// Output: alice@example.com /hello 419 Request expired
}

func ExampleSendOption() {
	client, end := exampleServer()
	defer end()
	for range 2 {
		req, _ := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/greeter/rpc/hello", nil)
		response, err := client.Call(context.Background(), req, syftevent.Cached()) // the second reuses the first
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(response.Text())
	}
	// Output:
	// Hello, alice@example.com
	// Hello, alice@example.com
}
