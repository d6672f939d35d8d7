package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A server starts on a file system without free inodes or space. It writes its files and
// locks the app when there is room.
func TestStartOnFullDisk(t *testing.T) {
	for name, options := range map[string]string{"inodes": "nr_inodes=60", "space": "size=128k"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
				t.Skip("LEFT OUT: mounting a tmpfs:", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			synctest.Test(t, func(t *testing.T) { startOnFullDisk(t, dir) })
		})
	}
}

func startOnFullDisk(t *testing.T, dir string) {
	rpc := filepath.Join(dir, "datasites", serverEmail, filepath.FromSlash(rpcPath))
	request := filepath.Join(rpc, "echo", clientEmail, stem)
	if err := os.MkdirAll(filepath.Dir(request), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(request+".request", envelope("/echo", nil), 0o644); err != nil {
		t.Fatal(err)
	}
	var filling []string
	for n := 0; ; n++ {
		name := filepath.Join(dir, fmt.Sprint("fill", n))
		err := os.WriteFile(name, make([]byte, 1<<12), 0o644)
		filling = append(filling, name)
		if err != nil {
			break
		}
	}
	newServer := func() *syftevent.Server {
		return &syftevent.Server{
			AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: dir}, Router: demoRouter(),
			PollInterval: time.Second, Logger: slog.New(slog.DiscardHandler),
		}
	}
	server := newServer()
	if err := server.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())
	time.Sleep(time.Minute)
	for _, name := range filling {
		os.Remove(name)
	}
	time.Sleep(time.Minute)
	for _, name := range []string{"syft.pub.yaml", "rpc.schema.json", "echo/.syftkeep", "items/.syftkeep"} {
		if _, err := os.Stat(filepath.Join(rpc, name)); err != nil {
			t.Error(err)
		}
	}
	if got := readReply(t, request+".response"); got.Status != 200 {
		t.Errorf("status %d", got.Status)
	}
	if err := newServer().Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
		t.Errorf("a second server: %v", err)
	}
}
