package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// Prune removes the folders that [Client.Send] made for this client's requests in
// other people's datasites, and in which nothing was made or removed for unusedFor. It
// returns how many it removed. A folder that holds anything but its .syftkeep stays.
// A later Send makes the folder again, but SyftBox does not watch it until it is
// restarted, and requests from there take 5 to 10 s: choose weeks, as
// [DefaultCleanupExpiry] does. The error is ctx's, or says which folder could not be
// removed; Prune goes on after that.
func (c *Client) Prune(ctx context.Context, unusedFor time.Duration) (removed int, err error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(c.DatasitesDir())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("syftevent: pruning folders of requests: %w", err)
	}
	defer root.Close()
	var unused []string
	var errs []error
	now, err := fileSystemNow(root)
	if err != nil {
		return 0, fmt.Errorf("syftevent: pruning folders of requests: %w", err)
	}
	err = spool.Walk(root, func(dir string, names []spool.Name, err error) error {
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		if path.Base(dir) == c.Email && !strings.HasPrefix(dir+"/", c.Email+"/") && isUnused(names) {
			unused = append(unused, dir)
		}
		return ctx.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, dir := range unused {
		switch err := pruneDir(root, dir, now.Add(-unusedFor)); {
		case err == nil:
			removed++
		case !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("syftevent: pruning folders of requests: %w", err)
	}
	return removed, nil
}

// pruneDir removes a directory that holds nothing but its .syftkeep, if it was not used
// since a time by the file system's clock, and those above it that are empty then. Its
// mtime says when a file was last put there or removed. The error is fs.ErrExist if it
// is in use.
func pruneDir(root *os.Root, dir string, unusedSince time.Time) error {
	info, err := root.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.ModTime().Before(unusedSince) {
		return fs.ErrExist
	}
	if err := removeKept(root, dir); err != nil {
		return err
	}
	for dir = path.Dir(dir); strings.Contains(dir, "/"); dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			break // not empty
		}
	}
	return nil
}
