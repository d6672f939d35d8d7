package syftevent

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// permissions is the file that lets each sender write requests into a folder of
// their own, and read the answers there. It is the Python package's, byte for
// byte; SyftBox's server acts on it.
//
//go:embed testdata/syft.pub.yaml
var permissions []byte

const (
	permissionsName = "syft.pub.yaml"
	schemaName      = "rpc.schema.json"
	// keepName keeps SyftBox from pruning an empty folder, which it would never
	// watch again if it were made anew.
	keepName = ".syftkeep"
)

// prepare brings the app's folder into the state in which requests may arrive. Only
// what the program itself has wrong, and a folder that cannot be opened, keeps it from
// being served: what senders have put there, or a disk that is full, is logged, and
// tried again by republish.
func (s *runningServer) prepare(starting context.Context) error {
	routes := s.router.load()
	if err := s.checkRoutes(routes); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("syftevent: opening the folder of app %q: %w", s.app, err)
	}
	defer root.Close()
	s.tidy(starting, root)
	if starting.Err() != nil {
		return context.Cause(starting)
	}
	s.publishLayout(root, routes)
	return nil
}

// layoutRetry is how long it takes until permissions and routes are published again
// after that has failed.
const layoutRetry = 10 * time.Second

// republish follows routes that were registered while the server runs, and tries
// again what has failed.
func (s *runningServer) refreshLayout() {
	now := s.router.load()
	if now == s.published && !s.layoutStale.Load() || time.Now().Before(s.layoutAfter) {
		return
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		s.layoutFailed(now, err)
		return
	}
	defer root.Close()
	s.publishLayout(root, now)
}

// publishLayout publishes the permissions and routes, as far as that is possible.
func (s *runningServer) publishLayout(root *os.Root, routes *table) {
	s.layoutStale.Store(false)
	if err := errors.Join(s.writePermissions(root), s.publishRoutes(root, routes)); err != nil {
		s.layoutFailed(routes, err)
		return
	}
	s.published = routes
	if s.missing != nil {
		s.missing = nil
		s.logger.Info("syftevent: permissions, endpoints and schema are published")
	}
}

// layoutFailed logs what is missing, once for the same routes.
func (s *runningServer) layoutFailed(routes *table, err error) {
	s.layoutStale.Store(true)
	s.layoutAfter = time.Now().Add(layoutRetry)
	if s.missing != routes {
		s.missing = routes
		s.logger.Error("syftevent: permissions, endpoints or schema are not published, will be tried again", "err", err)
	}
}

// writePermissions writes the permissions unless there are some.
// [layout-permissions] [layout-permissions-kept]
func (s *runningServer) writePermissions(root *os.Root) error {
	path := filepath.Join(s.dir, permissionsName)
	info, err := root.Lstat(permissionsName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := spool.PublishFile(root, permissionsName, permissions); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	case err != nil:
		return err
	case info.IsDir(): // SyftBox lets a sender make one
		return fmt.Errorf("writing %s: is a folder", path)
	}
	there, _, err := spool.ReadFile(root, permissionsName, int64(len(permissions)))
	if custom := err != nil || !bytes.Equal(there, permissions); custom && !s.custom {
		s.custom = true
		s.logger.Warn("syftevent: the permissions differ from the usual ones and are kept", "path", path)
	}
	return nil
}

// checkRoutes reports an endpoint that SyftBox could never deliver to.
func (s *runningServer) checkRoutes(t *table) error {
	for _, rt := range t.routes {
		if err := s.checkRoute(rt); err != nil {
			return err
		}
	}
	return nil
}

func (s *runningServer) checkRoute(rt *route) error {
	if err := rt.pattern.checkDeliverable(); err != nil && !s.anyName {
		return fmt.Errorf("syftevent: endpoint %q (registered at %s): %w; Server.AllowAnyName lets a server without SyftBox have it", rt.pattern.text, rt.site, err)
	}
	return nil
}

// publishRoutes makes the folders of the endpoints and writes what they expect.
// It changes no file but the schema. A route that was registered too late for
// the server not to start, and can never be delivered to, is logged and left out.
// [layout-keep]
func (s *runningServer) publishRoutes(root *os.Root, t *table) error {
	deliverable := &table{}
	for _, rt := range t.routes {
		if err := s.checkRoute(rt); err != nil {
			s.logger.Error("syftevent: a route is not published", "err", err)
			continue
		}
		deliverable.routes = append(deliverable.routes, rt)
	}
	folders := map[string]bool{}
	var failed error
	for _, endpoint := range deliverable.folders() {
		folder := filepath.FromSlash("." + endpoint)
		if err := root.MkdirAll(folder, 0o755); err != nil {
			failed = errors.Join(failed, fmt.Errorf("making the folder of endpoint %s: %w", endpoint, err))
			continue
		}
		folders[endpoint] = true
		if err := keep(root, folder); err != nil {
			failed = errors.Join(failed, fmt.Errorf("marking the folder of endpoint %s: %w", endpoint, err))
		}
	}
	s.folders = folders
	if err := writeSchema(root, deliverable); err != nil {
		failed = errors.Join(failed, fmt.Errorf("writing %s: %w", filepath.Join(s.dir, schemaName), err))
	}
	return failed
}

// keep puts a .syftkeep into a directory, so that SyftBox does not prune it when it
// is empty. Whatever has the name already, nothing depends on it.
func keep(root *os.Root, dir string) error {
	f, err := root.OpenFile(filepath.Join(dir, keepName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// writeSchema writes the schemas of the routes, in the order of registration,
// unless they stand there already.
func writeSchema(root *os.Root, t *table) error {
	onPath := map[string]int{}
	for _, rt := range t.routes {
		onPath[cleanEndpoint(rt.Pattern)]++
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, rt := range t.routes {
		// The path alone, as in the Python package, which knows no methods,
		// unless several routes share it.
		name := cleanEndpoint(rt.Pattern)
		if onPath[name] > 1 && rt.Method != "" {
			name = rt.Method + " " + name
		}
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSON(&out, name)
		out.WriteByte(':')
		writeJSON(&out, rt.Schema)
	}
	out.WriteByte('}')
	var indented bytes.Buffer
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return err
	}
	if there, _, err := spool.ReadFile(root, schemaName, int64(indented.Len())); err == nil && bytes.Equal(there, indented.Bytes()) {
		return nil
	}
	return spool.Replace(root, schemaName, indented.Bytes())
}
