package wire

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// vector reads a file written by a peer; see testdata/README.md.
func vector(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func at(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// minimal contains the required members of a request.
const minimal = `"sender":"a@example.com","url":"syft://b@example.com/app_data/x/rpc/y"`
