package boxpage

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/syftevent/syftevent-go/fakebox"
)

// BenchmarkDeliver measures how fast a network delivers requests without a page, with one,
// and with one that a browser reads.
func BenchmarkDeliver(b *testing.B) {
	for _, kind := range []string{"without", "page", "browser"} {
		b.Run(kind, func(b *testing.B) {
			box, err := fakebox.Open(filepath.Join(b.TempDir(), "box"), fakebox.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer box.Close()
			replica := box.Join(bob)
			if kind != "without" {
				s, err := Listen("127.0.0.1:0", box, Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				if kind == "browser" {
					resp, err := http.Get(s.URL() + "api/stream")
					if err != nil {
						b.Fatal(err)
					}
					defer resp.Body.Close()
					go io.Copy(io.Discard, resp.Body)
				}
			}
			data := []byte(`{"id":"1","method":"POST","headers":{},"body":"eyJhIjoxfQ=="}`)
			for i := 0; b.Loop(); i++ {
				name := fmt.Sprintf("%s/hello/%s/%d.request", rpc, alice, i)
				if err := replica.Deliver(name, data, fakebox.Delivery{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
