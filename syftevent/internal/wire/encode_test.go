package wire

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendRequestMatchesPythonPackage(t *testing.T) {
	data := vector(t, "syft-rpc-send.request")
	r, err := DecodeRequest(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(AppendRequest(nil, r))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendResponseMatchesPythonPackage(t *testing.T) {
	data := vector(t, "syft-event-reply.response")
	r, err := DecodeResponse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(AppendResponse(nil, r))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, name := range []string{"syft-rpc-send.request", "syftbox-http-send.request"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{` + minimal + `,"created":1e9,"body":"+/8","headers":{"a":"\u2028<"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := DecodeRequest(data)
		if err != nil {
			return
		}
		if !Complete(data) {
			t.Fatal("decoded, but Complete = false")
		}
		if first.ID == "" {
			first.ID = "absent" // an empty id cannot be decoded
		}
		// Encoding and decoding again yields the same request.
		encoded := AppendRequest(nil, first)
		second, err := DecodeRequest(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		// Compare the encodings, because absent times are encoded as the zero time.
		if again := AppendRequest(nil, second); string(again) != string(encoded) {
			t.Errorf("encoded %s, then decoded and encoded %s", encoded, again)
		}
	})
}
