package syftevent_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file with an mtime in the future, and no other age, is eventually removed.
func TestHostileOrphanFromTheFuture(t *testing.T) {
	inYard(t, func(y *yard) {
		names := []string{"garbage.response", "garbage.request", "left.conflict.request", "left.request.tmp.123"}
		for _, name := range names {
			y.put("echo/"+clientEmail+"/"+name, []byte("no envelope"), -400)
		}
		y.put("echo/"+clientEmail+"/future.response", []byte(`{"id":"x","sender":"bob@example.com","url":"u","body":null,"headers":{},"created":"2999-01-01T00:00:00Z","status_code":200}`), -400)
		names = append(names, "future.response")
		// The file system's clock does not follow the bubble's: a file that a run set to
		// the present time is aged by hand for the next run.
		for range 10 {
			began := time.Now()
			if _, err := y.cleanup.CleanupNow(context.Background()); err != nil {
				y.t.Fatal(err)
			}
			time.Sleep(5 * 24 * time.Hour)
			for _, name := range names {
				path := filepath.Join(y.dir, "echo", clientEmail, name)
				info, err := os.Lstat(path)
				now, nowErr := hostileClock(y.dir)
				if err != nil || nowErr != nil || info.ModTime().After(now) {
					continue
				}
				then := info.ModTime().Add(-time.Since(began))
				if err := os.Chtimes(path, then, then); err != nil {
					y.t.Fatal(err)
				}
			}
		}
		for _, name := range names {
			if _, err := os.Lstat(filepath.Join(y.dir, "echo", clientEmail, name)); err == nil {
				y.t.Errorf("%s is there after 50 days, with an expiry of 10", name)
			}
		}
	})
}

// hostileClock returns the present time of a file system.
func hostileClock(dir string) (time.Time, error) {
	name := filepath.Join(filepath.Dir(dir), "clock")
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		return time.Time{}, err
	}
	defer os.Remove(name)
	info, err := os.Lstat(name)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
