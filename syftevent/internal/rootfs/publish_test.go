package rootfs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A reader that removes a file as soon as it appears must not get it a second time.
func TestPublishesOnceToAQuickReader(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, links := range []bool{true, false} {
		for range 300 {
			removed, stop, done := 0, make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					if os.Remove(filepath.Join(dir, "final")) == nil {
						removed++
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			}()
			how := Publication{Prefix: ".temp-", Links: links, Verify: true}
			_, err := how.Publish(root, "final", []byte("data"))
			close(stop)
			<-done
			if err != nil {
				t.Fatal(err)
			}
			if removed > 1 {
				t.Fatalf("published %d times (links: %v)", removed, links)
			}
			os.Remove(filepath.Join(dir, "final"))
		}
	}
}

// A link through sshfs fails although it was made, if the reader removes the file before FUSE
// looks it up.
func TestPublishesOnceAlthoughTheLinkSeemsToFail(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	defer func(original func(*os.Root, string, string) error) { hardLink = original }(hardLink)
	links := 0
	hardLink = func(root *os.Root, from, to string) error {
		links++
		if err := errors.Join(root.Link(from, to), root.Remove(to)); err != nil {
			t.Error(err)
		}
		return &os.LinkError{Op: "linkat", Old: from, New: to, Err: syscall.ENOENT}
	}
	how := Publication{Prefix: ".temp-", Links: true, Verify: true}
	if _, err := how.Publish(root, "final", []byte("data")); err != nil || links != 1 {
		t.Errorf("linked %d times, %v", links, err)
	}
	// Somebody has removed the temporary file: nothing was published.
	links = 0
	hardLink = func(root *os.Root, from, to string) error {
		if links++; links == 1 {
			root.Remove(from)
		}
		return root.Link(from, to)
	}
	if _, err := how.Publish(root, "final", []byte("data")); err != nil || links != 2 {
		t.Errorf("linked %d times, %v", links, err)
	}
}

// The same file may be there already, and be removed at any time.
func TestPublishReturnsAnInfoWithoutAnError(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	final := filepath.Join(dir, "final")
	for n := range 500 {
		if err := os.WriteFile(final, []byte("data"), 0o644); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(time.Duration(n) * time.Microsecond)
			os.Remove(final)
		}()
		info, err := Publication{Prefix: ".temp-", Links: true, Verify: true}.Publish(root, "final", []byte("data"))
		<-done
		if err != nil || info == nil {
			t.Fatalf("info %v, error %v", info, err)
		}
		os.Remove(final)
	}
}
