package syftcrypt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syftcrypt"
	"github.com/syftevent/syftevent-go/syftevent/syfteventtest"
)

func Example() {
	ctx := context.Background()
	// Alice and Bob share a folder here, and need no SyftBox. Otherwise use LoadClient.
	dir, err := os.MkdirTemp("", "syftcrypt-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	alice := &syftevent.Client{Email: "alice@example.com", DataDir: filepath.Join(dir, "SyftBox")}
	bob := &syftevent.Client{Email: "bob@example.com", DataDir: filepath.Join(dir, "SyftBox")}

	// Alice serves an endpoint that needs encryption.
	aliceKeys, err := syftcrypt.LoadOrCreate(alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := &syftcrypt.Guard{Keys: aliceKeys}
	router := syftevent.NewRouter()
	router.Use(guard.Require)
	router.HandleFunc("/secret", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		who, _ := syftcrypt.From(ctx)
		return syftevent.Text(200, who.Address+" says "+req.Text()), nil
	})
	server := &syftevent.Server{AppName: "vault", Client: alice, Router: router}
	if err := server.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Shutdown(ctx)

	// Bob calls it.
	bobKeys, err := syftcrypt.LoadOrCreate(bob)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := bobKeys.Trust("alice@example.com", aliceKeys.Fingerprint()); err != nil { // which Alice read to him
		fmt.Println(err)
		return
	}
	client := &syftcrypt.Client{Client: bob, Keys: bobKeys}
	req, err := syftevent.NewRequest("POST", "syft://alice@example.com/app_data/vault/rpc/secret", "hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.Call(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.StatusCode, response.Text())
	// Output: 200 bob@example.com says hello
}

// Keys and calls pass through a simulated SyftBox.
func TestCallsThroughSyftBox(t *testing.T) {
	t.Parallel() // most of the time it waits for SyftBox
	var guard syftcrypt.Guard
	router := syftevent.NewRouter()
	server := syfteventtest.NewServer(t, router)
	for _, c := range []*syftevent.Client{server.Server.Client, server.Client} {
		makePublic(t, c)
	}
	keys, err := syftcrypt.LoadOrCreate(server.Server.Client)
	if err != nil {
		t.Fatal(err)
	}
	guard.Keys = keys
	router.Use(guard.Require)
	router.Handle("/add/{n}", syftevent.Typed(func(ctx context.Context, in struct{ A, B int }) (map[string]any, error) {
		who, _ := syftcrypt.From(ctx)
		return map[string]any{"sum": in.A + in.B, "n": syftevent.RequestFrom(ctx).PathValue("n"), "for": who.Address}, nil
	}))
	mine, err := syftcrypt.LoadOrCreate(server.Client)
	if err != nil {
		t.Fatal(err)
	}
	client := &syftcrypt.Client{Client: server.Client, Keys: mine}
	waitForKeys(t, mine, syfteventtest.Datasite)
	waitForKeys(t, keys, syfteventtest.Sender)
	req, err := syftevent.NewRequest("POST", server.URL+"/add/7?x=%20#f", map[string]int{"A": 2, "B": 3})
	if err != nil {
		t.Fatal(err)
	}
	req.Headers.Set("X-Trace", "ü \" \n")
	response, err := client.Call(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := response.DecodeJSON(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"sum": 5.0, "n": "7", "for": syfteventtest.Sender}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A plaintext request is refused, also at an endpoint that does not exist.
	for _, endpoint := range []string{"/add/7", "/nothing"} {
		if got := server.Call("POST", endpoint, `{"A":1}`); got.StatusCode != 403 {
			t.Errorf("%s: %d %s", endpoint, got.StatusCode, got.Text())
		}
	}
}

// makePublic lets everyone read the folder "public", as SyftBox does when it creates it.
func makePublic(t *testing.T, c *syftevent.Client) {
	t.Helper()
	public := filepath.Join(c.Datasite(), "public")
	if err := os.MkdirAll(public, 0o755); err != nil {
		t.Fatal(err)
	}
	rules := "rules:\n- pattern: '**'\n  access:\n    read: ['*']\n    write: []\n"
	if err := os.WriteFile(filepath.Join(public, "syft.pub.yaml"), []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitForKeys waits until SyftBox has brought a DID document.
func waitForKeys(t *testing.T, keys *syftcrypt.Keys, address string) {
	t.Helper()
	var err error
	for range 600 {
		if _, err = keys.Peer(address); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal(err)
}
