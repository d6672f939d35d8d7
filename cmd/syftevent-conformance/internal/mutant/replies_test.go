package mutant

import (
	"crypto/sha256"
	"log/slog"
	"path/filepath"
	"testing"
)

// A response that is larger than the cache drops no other before it is published itself.
func TestLargeResponseKeepsSmallOnes(t *testing.T) {
	c := replyCache{log: slog.Default(), file: filepath.Join(t.TempDir(), "replies"), shared: true, entries: map[string]*cachedReply{}}
	small, large := requestFile{dir: "d", name: "small.request"}, requestFile{dir: "d", name: "large.request"}
	sum := [sha256.Size]byte{}
	c.add(small, sum, []byte("small"), "")
	c.published(small)
	c.add(large, sum, make([]byte, maxReplyBytes+1), "")
	if c.entries[small.request()].response == nil {
		t.Error("the small response was dropped")
	}
	c.published(large)
	c.limitBytes()
	if c.entries[large.request()].response != nil {
		t.Error("the large response was kept after it was published")
	}
	if c.entries[small.request()].response == nil {
		t.Error("the small response was dropped instead of the large one")
	}
}
