package syftevent

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// permissions is the file that lets each sender write requests into a folder of
// their own, and read the answers there. It is the Python package's, byte for
// byte; SyftBox's server acts on it.
//
//go:embed testdata/syft.pub.yaml
var permissions []byte

const (
	permissionsName = "syft.pub.yaml"
	// keepName keeps SyftBox from pruning an empty folder.
	keepName = ".syftkeep"
)

// prepare makes the folders of an app and writes what must lie in them. It
// changes no file that is there. [layout-permissions] [layout-keep]
func (s *serving) prepare() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("syftevent: making the folder of app %q: %w", s.app, err)
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("syftevent: opening the folder of app %q: %w", s.app, err)
	}
	defer root.Close()
	there, err := createOrRead(root, permissionsName, permissions)
	if err != nil {
		return fmt.Errorf("syftevent: writing %s: %w", filepath.Join(s.dir, permissionsName), err)
	}
	if !bytes.Equal(there, permissions) {
		s.logger.Warn("syftevent: the permissions differ from the usual ones and are kept",
			"path", filepath.Join(s.dir, permissionsName))
	}
	for _, endpoint := range s.router.load().folders() {
		folder := filepath.FromSlash("." + endpoint)
		if err := root.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("syftevent: making the folder of endpoint %s: %w", endpoint, err)
		}
		if _, err := createOrRead(root, filepath.Join(folder, keepName), nil); err != nil {
			return fmt.Errorf("syftevent: marking the folder of endpoint %s: %w", endpoint, err)
		}
	}
	return nil
}

// createOrRead writes a file unless it exists, and returns what is in it.
func createOrRead(root *os.Root, name string, content []byte) ([]byte, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return root.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return content, err
}
