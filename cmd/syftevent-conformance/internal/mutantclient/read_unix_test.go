//go:build unix

package mutantclient

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDoesNotOpenOtherThanFiles(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	var request []byte
	linked := filepath.Join(t.TempDir(), "linked")
	for i, create := range []func(string) error{
		func(name string) error { return syscall.Mkfifo(name, 0o644) },
		func(name string) error { return os.Mkdir(name, 0o755) },
		func(name string) error { return os.Symlink("/dev/zero", name) },
		func(name string) error { return os.Symlink("no-such-file", name) },
		func(name string) error {
			write(t, linked, string(response(t, request, nil)))
			return os.Symlink(linked, name)
		},
	} {
		r.call(i, nil)
		var base string
		base, request = r.request()
		if err := create(base + responseSuffix); err != nil {
			t.Fatal(err)
		}
		line := r.next()
		if line["error"] != "bad-response" || line["call"] != float64(i) {
			t.Errorf("%d: got %v", i, line)
		}
		r.wantNothing()
	}
	if !exists(linked) {
		t.Error("the target of the link was removed")
	}
	// A folder with files cannot be removed, and holds up nothing.
	r.call(6, nil)
	base, _ := r.request()
	if err := os.MkdirAll(base+responseSuffix+"/x", 0o755); err != nil {
		t.Fatal(err)
	}
	r.wantError(r.next(), "bad-response")
	r.wantEnd()
}
