package fakebox

import (
	"sync"
	"testing"
)

// The removal of a file, which prunes its folder, does not fail the creation of another one
// in that folder.
func TestPruningDoesNotFailAnArrival(t *testing.T) {
	box := New(t, Config{})
	tree := box.Join("bob@example.com").tree
	for _, mode := range []Mode{WebSocket, BlobStore, BlobStoreInPlace} {
		for range 200 {
			if err := tree.writeFile("bob@example.com/rpc/x/old", []byte("x")); err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			both.Go(func() {
				if err := tree.remove("bob@example.com/rpc/x/old", ""); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				if err := tree.place(Event{Path: "bob@example.com/rpc/x/new"}, []byte("x"), Delivery{Mode: mode}, nil, nil); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if err := tree.remove("bob@example.com/rpc/x/new", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}
