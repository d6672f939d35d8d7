package fakebox_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

const file = "app_data/echo/rpc/hello/alice@example.com/1.request"

func TestDeliverWritesFile(t *testing.T) {
	for mode, permissions := range map[fakebox.Mode]fs.FileMode{
		fakebox.WebSocket: 0o600, fakebox.BlobStore: 0o644, fakebox.BlobStoreInPlace: 0o644,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			box := fakebox.New(t, fakebox.Config{Seed: 1})
			bob := box.Join("bob@example.com")
			data := []byte(strings.Repeat("x", 100_000))
			bob.Deliver(file, data, fakebox.Delivery{Mode: mode})
			name := filepath.Join(bob.Datasite(), file)
			got, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(data, got); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != permissions && os.PathSeparator == '/' {
				t.Errorf("mode %v, want %v", info.Mode(), permissions)
			}
			// No temporary file remains in any folder.
			var files []string
			filepath.WalkDir(bob.DataDir(), func(name string, d fs.DirEntry, err error) error {
				if !d.IsDir() {
					files = append(files, d.Name())
				}
				return err
			})
			if diff := cmp.Diff([]string{"1.request"}, files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeliverInPlaceShowsIncompleteFile(t *testing.T) {
	n := idleNetwork(t, fakebox.Config{})
	done := make(chan error, 1)
	go func() {
		done <- n.bob.Deliver(file, []byte("half and half"), fakebox.Delivery{
			Mode: fakebox.BlobStoreInPlace, ChunkSize: 4, Pause: 20 * time.Millisecond,
		})
	}()
	key := "bob@example.com/" + file
	eventually(t, "the first chunk is written", func() bool { return n.read(n.bob, key) != "" })
	for _, want := range []string{"half", "half and", "half and hal", "half and half"} {
		n.clock.Settle()
		if got := n.read(n.bob, key); got != want {
			t.Errorf("got content %q, want %q", got, want)
		}
		n.clock.Advance(20 * time.Millisecond)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDeliverRejectsInvalidArguments(t *testing.T) {
	box, err := fakebox.Open(filepath.Join(t.TempDir(), "box"), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	bob := box.Join("bob@example.com")
	for _, name := range []string{"../carol@example.com/x.request", "/etc/x.request", ""} {
		if err := bob.Deliver(name, nil, fakebox.Delivery{}); err == nil {
			t.Errorf("Deliver accepted path %q", name)
		}
	}
	if err := bob.Deliver(file, nil, fakebox.Delivery{Mode: 99}); err == nil {
		t.Error("Deliver accepted mode 99")
	}
	if _, err := fakebox.ParseMode("pigeon"); err == nil || !strings.Contains(err.Error(), "blobstore-in-place") {
		t.Errorf("ParseMode: error %v does not list the modes", err)
	}
}

func TestOpenRejectsForeignFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := fakebox.Open(dir, fakebox.Config{}); err == nil {
		t.Error("Open accepted a folder with other files")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("folder changed: %v", entries)
	}
}

func TestOpenReusesFolder(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		box, err := fakebox.Open(dir, fakebox.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.TryJoin("bob@example.com"); err != nil {
			t.Fatal(err)
		}
		box.Close()
	}
}

func TestTryJoinRejectsInvalidAddress(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	box.Join("bob@example.com")
	for _, email := range []string{"", "bob", "../x@example.com", "Bob@Example.com", "bob@example.com"} {
		if _, err := box.TryJoin(email); err == nil {
			t.Errorf("TryJoin accepted %q", email)
		}
	}
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "fakebox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	box, err := fakebox.Open(dir, fakebox.Config{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer box.Close()
	bob := box.Join("bob@example.com")
	err = bob.Deliver("app_data/echo/rpc/hello/alice@example.com/1.request", []byte("{}"), fakebox.Delivery{Mode: fakebox.BlobStore})
	entries, _ := os.ReadDir(filepath.Join(bob.Datasite(), "app_data/echo/rpc/hello/alice@example.com"))
	fmt.Println(err, entries)
	// Output: <nil> [- 1.request]
}
