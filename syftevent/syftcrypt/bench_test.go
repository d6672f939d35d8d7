package syftcrypt

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

// BenchmarkCall encrypts a request of 1 KiB, decrypts it, encrypts the response and decrypts that,
// without the files of the request and the response.
func BenchmarkCall(b *testing.B) {
	dir := b.TempDir()
	client := func(address string) *syftevent.Client {
		return &syftevent.Client{Email: address, DataDir: filepath.Join(dir, "SyftBox")}
	}
	server, err := Create(client(alice))
	if err != nil {
		b.Fatal(err)
	}
	caller, err := Create(client(bob))
	if err != nil {
		b.Fatal(err)
	}
	guard := &Guard{Keys: server, Logger: slog.New(slog.DiscardHandler)}
	handler := guard.Require(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Bytes(200, req.Body), nil
	}))
	c := &Client{Client: client(bob), Keys: caller}
	body := make([]byte, 1024)
	for b.Loop() {
		req, err := syftevent.NewRequest("POST", "syft://"+alice+"/app_data/demo/rpc/echo", body)
		if err != nil {
			b.Fatal(err)
		}
		sent, future, err := c.prepare(req)
		if err != nil {
			b.Fatal(err)
		}
		sent.Sender = bob
		response, err := handler.ServeSyft(context.Background(), sent)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := future.receive(response); err != nil {
			b.Fatal(err)
		}
	}
}
