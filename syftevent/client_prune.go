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

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Prune removes the folders that [Client.Send] makes in other datasites, which are named by
// the user's address. It removes one if it holds nothing but a .syftkeep and has not changed
// for unusedFor, and then the empty folders above it. Zero has no default: it removes all that
// hold nothing else. It returns the number of removed folders, without those above. If a later
// Send makes a folder again, SyftBox does not watch it until restarted, and requests take 5 to
// 10 s: unusedFor should be weeks, such as [DefaultCleanupExpiry].
//
// Prune continues if a folder cannot be removed, and returns the joined errors at the end.
// If ctx ends during the search for folders, it removes none and returns ctx's error.
func (c *Client) Prune(ctx context.Context, unusedFor time.Duration) (removed int, err error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(c.DatasitesDir())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("syftevent: prune request folders: %w", err)
	}
	defer root.Close()
	var unused []string
	var errs []error
	now, err := rootfs.Now(root, protocol.ServeTempPrefix)
	if err != nil {
		return 0, fmt.Errorf("syftevent: prune request folders: %w", err)
	}
	err = rootfs.Walk{Root: root}.Directories(func(dir string, part rootfs.Part, err error) error {
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		if path.Base(dir) == c.Email && !strings.HasPrefix(dir+"/", c.Email+"/") && part.Complete() && protocol.IsUnused(part.Names) {
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
		return removed, fmt.Errorf("syftevent: prune request folders: %w", err)
	}
	return removed, nil
}

// pruneDir removes a directory that holds nothing but its .syftkeep and has not changed since
// a time by the file system's clock, and the directories above it that are then empty. It returns
// fs.ErrExist if the directory is in use.
func pruneDir(root *os.Root, dir string, unusedSince time.Time) error {
	info, err := root.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.ModTime().Before(unusedSince) {
		return fs.ErrExist
	}
	if err := protocol.RemoveKept(root, dir); err != nil {
		return err
	}
	for dir = path.Dir(dir); strings.Contains(dir, "/"); dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			break // not empty
		}
	}
	return nil
}
