package engine

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// permissions is the file that lets each sender write requests into a directory of its own
// and read the responses there. SyftBox's server enforces it. It is the Python package's,
// byte for byte.
//
//go:embed syft.pub.yaml
var permissions []byte

const (
	permissionsName = "syft.pub.yaml"
	schemaName      = "rpc.schema.json"
)

// prepare creates the app's layout on disk. It fails only if an endpoint is invalid or the
// directory cannot be opened. Other failures, such as a full disk or something that a sender
// put in the way, are logged, and refreshLayout tries again.
func (s *Server) prepare(starting context.Context) error {
	set := s.options.Endpoints()
	if len(set.Undeliverable) > 0 {
		return set.Undeliverable[0]
	}
	var root *os.Root
	err := rootfs.Retry(func() (err error) {
		root, err = os.OpenRoot(s.options.Dir)
		return err
	})
	if err != nil {
		return fmt.Errorf("syftevent: open folder of app %q: %w", s.options.App, err)
	}
	defer root.Close()
	if s.workers.startsAlone() {
		s.moveFinished(starting, root)
	}
	if starting.Err() != nil {
		return context.Cause(starting)
	}
	s.publishLayout(root, set)
	return nil
}

// layoutRetry is the time between two attempts to publish the layout.
const layoutRetry = 10 * time.Second

// refreshLayout publishes endpoints that were registered after the start, and retries after
// a failure.
func (s *Server) refreshLayout() {
	now := s.options.Endpoints()
	if now == s.published && !s.layoutStale.Load() || time.Now().Before(s.layoutAfter) {
		return
	}
	root, err := os.OpenRoot(s.options.Dir)
	if err != nil {
		s.layoutFailed(now, err)
		return
	}
	defer root.Close()
	s.publishLayout(root, now)
}

// publishLayout writes the permissions, the folders of the endpoints, and the schema.
func (s *Server) publishLayout(root *os.Root, set *Endpoints) {
	s.layoutStale.Store(false)
	var permissionsErr error
	if s.workers.leadsLayout() {
		permissionsErr = rootfs.Retry(func() error { return s.writePermissions(root) })
	}
	if err := errors.Join(permissionsErr, rootfs.Retry(func() error { return s.publishEndpoints(root, set) })); err != nil {
		s.layoutFailed(set, err)
		return
	}
	s.published = set
	if s.failedSet != nil {
		s.failedSet = nil
		s.logger.Info("syftevent: layout published", "path", s.options.Dir)
	}
}

// layoutFailed schedules a retry, and logs the failure once per set of endpoints.
func (s *Server) layoutFailed(set *Endpoints, err error) {
	s.layoutStale.Store(true)
	s.layoutAfter = time.Now().Add(layoutRetry)
	if s.failedSet != set {
		s.failedSet = set
		s.logger.Error("syftevent: publishing layout failed, will retry", "path", s.options.Dir, "err", err)
	}
}

// writePermissions writes the permission file if there is none. [layout-permissions]
// [layout-permissions-kept]
func (s *Server) writePermissions(root *os.Root) error {
	path := filepath.Join(s.options.Dir, permissionsName)
	info, err := root.Lstat(permissionsName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := rootfs.PublishFile(root, protocol.ServeTempPrefix, permissionsName, permissions); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	case err != nil:
		return err
	case info.IsDir(): // a sender can make one
		return fmt.Errorf("write %s: is a directory", path)
	}
	there, _, err := rootfs.ReadFile(root, permissionsName, int64(len(permissions)))
	if custom := err != nil || !bytes.Equal(there, permissions); custom && !s.customPermissions {
		s.customPermissions = true
		s.logger.Warn("syftevent: keeping custom permissions", "path", path)
	}
	return nil
}

// publishEndpoints makes the folders of the endpoints, and writes the schema. An endpoint that
// SyftBox never delivers to, and that was registered after the start, is logged and left
// out. [layout-keep]
func (s *Server) publishEndpoints(root *os.Root, set *Endpoints) error {
	for _, err := range set.Undeliverable {
		s.logger.Error("syftevent: endpoint not published", "err", err)
	}
	folders := map[string]bool{}
	var failed error
	for _, endpoint := range set.Deliverable {
		folder := filepath.FromSlash("." + endpoint)
		if err := root.MkdirAll(folder, 0o755); err != nil {
			failed = errors.Join(failed, fmt.Errorf("create folder of endpoint %s: %w", endpoint, err))
			continue
		}
		folders[endpoint] = true
		if err := protocol.WriteKeepFile(root, folder); err != nil {
			failed = errors.Join(failed, fmt.Errorf("mark folder of endpoint %s: %w", endpoint, err))
		}
	}
	s.folders = folders
	if !s.workers.leadsLayout() {
		return failed
	}
	if err := writeSchema(root, set); err != nil {
		failed = errors.Join(failed, fmt.Errorf("write %s: %w", filepath.Join(s.options.Dir, schemaName), err))
	}
	return failed
}

// writeSchema writes the schema file, unless it already has that content.
func writeSchema(root *os.Root, set *Endpoints) error {
	schema, err := set.Schema()
	if err != nil {
		return err
	}
	if there, _, err := rootfs.ReadFile(root, schemaName, int64(len(schema))); err == nil && bytes.Equal(there, schema) {
		return nil
	}
	return rootfs.Replace(root, protocol.ServeTempPrefix, schemaName, schema)
}
