package syftevent

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// SyftBox prunes empty directories, also while the directories above that of a sender
// are made.
func TestKeepDirWhileDirectoriesArePruned(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dir := filepath.Join("bob@example.com", "app_data", "notes", "rpc", "list", "alice@example.com")
	var left atomic.Int32 // how many may be pruned
	stop := make(chan struct{})
	var pruning sync.WaitGroup
	pruning.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for at := dir; at != "." && left.Load() > 0; at = filepath.Dir(at) {
				if root.Remove(at) == nil { // it was empty
					left.Add(-1)
				}
			}
			runtime.Gosched()
		}
	})
	for range 20 {
		left.Store(pruneRaces / 2) // each attempt that fails costs one at least
		if _, err := keepDir(root, dir); err != nil {
			t.Error(err)
			break
		}
		left.Store(0)
		if err := root.RemoveAll("bob@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	pruning.Wait()
}
