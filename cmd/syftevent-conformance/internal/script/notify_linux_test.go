package script

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What happens in folders that appear is seen, also if they are moved into place.
func TestNotifierShowsChanges(t *testing.T) {
	dir := t.TempDir()
	rpc := filepath.Join(dir, "app_data", "rpc")
	o := newServerObserver(rpc, func(string) bool { return false })
	n, err := startNotifier(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, rpc, "e/1.request", "{}")
	write(t, rpc, "e/1.tmp", whole)
	for _, names := range [][2]string{{"e/1.tmp", "e/1.response"}, {"e", "f"}} {
		if err := os.Rename(filepath.Join(rpc, names[0]), filepath.Join(rpc, names[1])); err != nil {
			t.Fatal(err)
		}
	}
	write(t, rpc, "f/2.request", "{}")
	// The folder is watched once its files were shown: what is written from then on is seen.
	for seen := false; !seen; time.Sleep(time.Millisecond) {
		o.mu.Lock()
		seen = o.requests["f/2"]
		o.mu.Unlock()
	}
	write(t, rpc, "f/2.response", whole[:5])
	n.end()
	if got := o.violations()[AlwaysWhole]; got == nil || got.Line != "f/2.response" {
		t.Errorf("violations: %v", o.violations())
	}
}
