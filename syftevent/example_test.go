package syftevent_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A handler is tested by handing a request to the router; no server is needed.
func Example() {
	router := syftevent.NewRouter()
	router.OnRequest("/users/{id}", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, map[string]string{"id": req.PathValue("id")})
	})

	req, err := syftevent.NewRequest("GET", "syft://bob@example.com/app_data/directory/rpc/users/42", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := router.ServeSyft(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.StatusCode, string(response.Body))
	// Output: 200 {"id":"42"}
}

func ExampleServer() {
	dir, err := os.MkdirTemp("", "syftevent")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

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
	ctx := context.Background()
	if err := server.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// The server answers requests until Shutdown is called.
	if err := server.Shutdown(ctx); err != nil {
		fmt.Println(err)
		return
	}
	entries, err := os.ReadDir(filepath.Join(server.Client.AppData("greeter"), "rpc"))
	for _, entry := range entries {
		fmt.Println(entry.Name())
	}
	fmt.Println(err)
	// Output:
	// hello
	// rpc.schema.json
	// syft.pub.yaml
	// <nil>
}

func ExampleParseURL() {
	u, err := syftevent.ParseURL("syft://bob@example.com/app_data/calculator/rpc/add?precise=1")
	fmt.Println(u.Datasite, u.App(), u.Endpoint(), u.Query, err)
	// Output: bob@example.com calculator /add precise=1 <nil>
}

func ExampleRouter_Use() {
	router := syftevent.NewRouter()
	router.Use(func(next syftevent.Handler) syftevent.Handler {
		return syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			// This shows middleware only: to check secrets, use BearerAuth.
			if req.Headers.Get("Authorization") != "Bearer open sesame" {
				return nil, syftevent.Errorf(401, "Unauthorized")
			}
			return next.ServeSyft(ctx, req)
		})
	})
	router.OnRequest("/cave", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "gold"), nil
	})

	req, _ := syftevent.NewRequest("GET", "syft://ali@example.com/app_data/cave/rpc/cave", nil)
	_, err := router.ServeSyft(context.Background(), req)
	fmt.Println(err)
	req.Headers.Set("Authorization", "Bearer open sesame")
	response, _ := router.ServeSyft(context.Background(), req)
	fmt.Println(string(response.Body))
	// Output:
	// 401: Unauthorized
	// gold
}
