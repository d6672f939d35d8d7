package syftevent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemovePairRemovesTheRequestFirst(t *testing.T) {
	busy := errors.New("busy")
	for name, test := range map[string]struct {
		request error
		want    []string
		err     error
	}{
		"both":           {nil, []string{"x.request", "x.response"}, nil},
		"no request":     {fs.ErrNotExist, []string{"x.request", "x.response"}, nil},
		"request in use": {busy, []string{"x.request"}, busy},
	} {
		var tried []string
		err := removePair(func(file string) error {
			tried = append(tried, file)
			if file == "x.request" {
				return test.request
			}
			return nil
		}, "x")
		if diff := cmp.Diff(test.want, tried); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// A lock that somebody has removed keeps nobody out.
func TestLockIsTheFileOfItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !isSameFile(f, path) {
		t.Error("the file is not taken for itself")
	}
	if err := os.Remove(path); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
	if isSameFile(f, path) {
		t.Error("a file that was removed is taken for one that is there")
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if isSameFile(f, path) {
		t.Error("another file is taken for it")
	}
}
