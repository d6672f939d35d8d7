package syftevent_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

func TestPruneRemovesUnusedFolders(t *testing.T) {
	dir := t.TempDir()
	client := &syftevent.Client{Email: clientEmail, DataDir: dir}
	if n, err := client.Prune(context.Background(), time.Hour); n != 0 || err != nil {
		t.Errorf("without any folder: %d, %v", n, err)
	}
	long := time.Now().AddDate(0, -2, 0)
	put := func(name string, old bool) string {
		t.Helper()
		path := filepath.Join(dir, "datasites", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if old {
			os.Chtimes(filepath.Dir(path), long, long)
		}
		return path
	}
	rpc := "bob@example.com/app_data/demo/rpc/"
	unused := []string{
		put(rpc+"echo/"+clientEmail+"/.syftkeep", true),
		put("carol@example.com/app_data/demo/rpc/a/b/"+clientEmail+"/.syftkeep", true),
	}
	used := []string{
		put(rpc+"sum/"+clientEmail+"/.syftkeep", false),
		put(rpc+"items/"+clientEmail+"/1.request", true),
		put(rpc+"echo/dave@example.com/.syftkeep", true),
		put(clientEmail+"/app_data/demo/rpc/echo/"+clientEmail+"/.syftkeep", true), // a server's
	}
	if n, err := client.Prune(context.Background(), 30*24*time.Hour); n != len(unused) || err != nil {
		t.Errorf("%d removed, want %d: %v", n, len(unused), err)
	}
	for _, path := range unused {
		if _, err := os.Lstat(filepath.Dir(path)); err == nil {
			t.Errorf("%s is there", path)
		}
	}
	for _, path := range used {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	// Empty folders above are removed too; the datasite stays.
	if _, err := os.Lstat(filepath.Join(dir, "datasites/carol@example.com/app_data")); err == nil {
		t.Error("empty folders are left")
	}
	if _, err := os.Lstat(filepath.Join(dir, "datasites/carol@example.com")); err != nil {
		t.Error(err)
	}
}
