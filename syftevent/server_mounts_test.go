//go:build unix

package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// netfsVariable lists network mounts to serve on, separated by spaces, each as
// MOUNT=FAR: FAR is the path of the folder on the remote side.
const netfsVariable = "SYFTEVENT_NETFS"

// A server on a network mount answers a request written on the remote side at most two scans
// after the mount shows it.
func TestServerOnNetworkMounts(t *testing.T) {
	onMounts(t, serveMount)
}

// onMounts runs a test on each network mount.
func onMounts(t *testing.T, test func(t *testing.T, here, far string)) {
	t.Helper()
	mounts := strings.Fields(os.Getenv(netfsVariable))
	if len(mounts) == 0 {
		t.Skipf("%s names no mounts", netfsVariable)
	}
	for _, mount := range mounts {
		here, far, ok := strings.Cut(mount, "=")
		if !ok {
			t.Fatalf("%s: %q is not MOUNT=FAR", netfsVariable, mount)
		}
		t.Run(filepath.Base(here), func(t *testing.T) {
			t.Parallel() // waiting is most of it
			test(t, here, far)
		})
	}
}

func serveMount(t *testing.T, here, far string) {
	server := &syftevent.Server{
		AppName: appName,
		Client:  &syftevent.Client{Email: serverEmail, DataDir: here},
		Router:  demoRouter(),
		Logger:  slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(t.Context())
	if server.Stats().TrustedMtimes {
		t.Error("mtimes of a network file system are trusted")
	}
	round := func(n, count int) {
		sender := fmt.Sprintf("sender%d@example.com", n%3)
		folder := filepath.Join("datasites", serverEmail, rpcPath, "echo", sender)
		ids := writeFar(t, far, folder, sender, n, count)
		shown := awaitShown(t, filepath.Join(here, "datasites", serverEmail, rpcPath), ids)
		scans := server.Stats().Scans
		for _, id := range ids {
			awaitFile(t, filepath.Join(far, folder, id+".response"))
		}
		stats := server.Stats()
		t.Logf("%d requests: shown by the mount after %v, answered %d scans later (one takes %v, the next waits %v)",
			count, shown.Round(time.Millisecond), stats.Scans-scans, stats.ScanDuration, stats.ScanWait)
		// The scan may already have passed the folder when the mount shows the request.
		if count == 1 && stats.Scans-scans > 2 {
			t.Errorf("answered %d scans after the mount showed the request", stats.Scans-scans)
		}
	}
	for n := range 6 { // in folders that are new, and in those that are not
		round(n, 1)
	}
	round(6, 200)
}

// writeFar writes requests into a folder on the far side.
func writeFar(t *testing.T, far, folder, sender string, round, count int) []string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(far, folder), 0o755); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for n := range count {
		id := fmt.Sprintf("%08d-d742-4027-8091-%012d", round, n)
		ids = append(ids, id)
		data := envelope("/echo", map[string]any{"id": id, "sender": sender, "body": []byte(id)})
		temp := filepath.Join(far, id)
		if err := os.WriteFile(temp, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(far, folder, id+".request")); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// mountPatience is longer than any cache timeout of a network file system.
const mountPatience = 2 * time.Minute

// awaitShown lists all folders from a top one down until they show the requests.
func awaitShown(t *testing.T, top string, ids []string) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		there := map[string]bool{}
		err := filepath.WalkDir(top, func(_ string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a temporary file, or a folder that is not shown any more
			}
			if err == nil {
				there[entry.Name()] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(ids, func(id string) bool { return !there[id+".request"] }) {
			return time.Since(began)
		}
		if time.Since(began) > mountPatience {
			t.Fatalf("the mount does not show the requests below %s", top)
		}
	}
}

// awaitFile waits for a file, by its name and by listings: GlusterFS may say for minutes that
// a name does not exist if it is asked for all the time, until the folder is listed.
func awaitFile(t *testing.T, name string) {
	t.Helper()
	for began, listed := time.Now(), time.Now(); ; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(name); err == nil {
			return
		}
		if time.Since(listed) > 100*time.Millisecond {
			os.ReadDir(filepath.Dir(name))
			listed = time.Now()
		}
		if time.Since(began) > mountPatience {
			t.Fatalf("there is no %s", name)
		}
	}
}

// smallVariable names a folder on a small file system that the test may fill.
const smallVariable = "SYFTEVENT_SMALLFS"

// While the disk is full, the server keeps the response and does not run the handler again.
func TestServerOnAFullDisk(t *testing.T) {
	dir := os.Getenv(smallVariable)
	if dir == "" {
		t.Skipf("%s names no folder", smallVariable)
	}
	var runs atomic.Int32
	full := make(chan struct{})
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		<-full
		return syftevent.Bytes(200, make([]byte, 10_000)), nil
	})
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: dir}, Router: router,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(t.Context())
	folder := filepath.Join(dir, "datasites", serverEmail, rpcPath, counted)
	name := filepath.Join(folder, stem)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(name+".request", envelope("/count", nil), 0o644)); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	fill := func() error {
		f, err := os.Create(filler)
		if err != nil {
			return err
		}
		defer f.Close()
		for {
			if _, err := f.Write(make([]byte, 1000)); err != nil {
				return err
			}
		}
	}
	for runs.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := fill(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	close(full)
	for server.Stats().Unpublished == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // for some retries
	if _, err := os.Lstat(name + ".response"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a response on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, name+".response")
	for server.Stats().Unpublished != 0 { // counted a moment later
		time.Sleep(time.Millisecond)
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("%d runs, %+v", n, server.Stats())
	}
}
