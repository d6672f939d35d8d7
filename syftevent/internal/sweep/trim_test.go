package sweep

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A folder keeps the youngest answered requests, and those that somebody may still wait for.
func TestSweepKeepsTheYoungestPairs(t *testing.T) {
	dir := t.TempDir()
	sender := filepath.Join(dir, "echo", "a@example.com")
	if err := os.MkdirAll(sender, 0o755); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	put := func(id string, answered time.Duration, expires time.Duration) {
		t.Helper()
		request := fmt.Sprintf(`{"id":%q,"sender":"a@example.com","url":"u","created":%q,"expires":%q}`,
			id, now.Add(-answered).UTC().Format(time.RFC3339), now.Add(expires).UTC().Format(time.RFC3339))
		for name, content := range map[string]string{id + ".request": request, id + ".response": "{}"} {
			name = filepath.Join(sender, name)
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, now, now.Add(-answered)); err != nil {
				t.Fatal(err)
			}
		}
	}
	put("waited-for", 9*time.Hour, time.Hour)
	for n := range 6 {
		put(fmt.Sprint("old", n), time.Duration(8-n)*time.Hour, -time.Minute) // 8 to 3 hours
	}
	put("fresh", 30*time.Minute, -time.Minute)
	if err := os.WriteFile(filepath.Join(sender, "pending.request"), []byte(`{"id":"pending"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	left := func(keep int) []string {
		t.Helper()
		s := &Sweeper{Dir: dir, Expiry: 24 * time.Hour, Keep: keep, MaxSize: rootfs.Unlimited, Logger: slog.New(slog.DiscardHandler)}
		if stats, err := s.Sweep(context.Background()); err != nil || stats.Errors != 0 || stats.Requests != stats.Responses {
			t.Errorf("%+v, %v", stats, err)
		}
		entries, err := os.ReadDir(sender)
		if err != nil {
			t.Fatal(err)
		}
		var pairs []string
		for _, e := range entries {
			if id, ok := strings.CutSuffix(e.Name(), ".request"); ok {
				pairs = append(pairs, id)
			}
		}
		return pairs
	}
	for keep, want := range map[int][]string{
		0: {"fresh", "old0", "old1", "old2", "old3", "old4", "old5", "pending", "waited-for"},
		8: {"fresh", "old0", "old1", "old2", "old3", "old4", "old5", "pending", "waited-for"},
	} {
		if diff := cmp.Diff(want, left(keep)); diff != "" {
			t.Errorf("keep %d (-want +got):\n%s", keep, diff)
		}
	}
	if diff := cmp.Diff([]string{"fresh", "old4", "old5", "pending", "waited-for"}, left(3)); diff != "" {
		t.Errorf("keep 3 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"fresh", "pending", "waited-for"}, left(1)); diff != "" {
		t.Errorf("keep 1 (-want +got):\n%s", diff)
	}
}
