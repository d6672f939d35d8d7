package wire

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// requestOfSize returns a request file of about n bytes, most of which are its body.
func requestOfSize(n int) []byte {
	body := make([]byte, max(n-400, 0)*3/4)
	for i := range body {
		body[i] = byte(rand.Uint32())
	}
	data := []byte(`{"sender":"a@example.com","url":"syft://b@example.com/app_data/x/rpc/y","id":"5f5b153c-d742-4027-8091-555b41a8795d",` +
		`"created":"2026-11-23T11:55:00.040573+00:00","expires":"2026-11-24T11:55:00.040308+00:00","method":"POST",` +
		`"headers":{"content-type":"application/json","x-one":"1"},"body":`)
	return append(appendBody(data, body), '}')
}

func BenchmarkDecodeRequest(b *testing.B) {
	for _, size := range []int{500, 1 << 20} {
		data := requestOfSize(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := DecodeRequest(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkComplete(b *testing.B) {
	for _, size := range []int{500, 1 << 20} {
		data := requestOfSize(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if !Complete(data) {
					b.Fatal("not complete")
				}
			}
		})
	}
}
