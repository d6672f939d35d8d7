package syftevent

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
	// keepName keeps SyftBox from pruning an empty folder.
	keepName = ".syftkeep"
)

// maxOwnFile is how large a file may be that is compared with ours.
const maxOwnFile = 64 << 20

// writePermissions writes the permissions unless there are some.
// [layout-permissions] [layout-permissions-kept]
func (s *serving) writePermissions(root *os.Root) error {
	if _, err := root.Lstat(permissionsName); errors.Is(err, fs.ErrNotExist) {
		if _, err := spool.PublishFile(root, permissionsName, permissions); err != nil {
			return fmt.Errorf("syftevent: writing %s: %w", filepath.Join(s.dir, permissionsName), err)
		}
	}
	if there, _, err := spool.ReadFile(root, permissionsName, maxOwnFile); err != nil || !bytes.Equal(there, permissions) {
		s.logger.Warn("syftevent: the permissions differ from the usual ones and are kept",
			"path", filepath.Join(s.dir, permissionsName))
	}
	return nil
}

// checkRoutes reports an endpoint that SyftBox could never deliver to.
func (s *serving) checkRoutes(t *table) error {
	for _, rt := range t.routes {
		if err := s.checkRoute(rt); err != nil {
			return err
		}
	}
	return nil
}

func (s *serving) checkRoute(rt *route) error {
	if err := rt.pattern.checkDeliverable(); err != nil && !s.anyName {
		return fmt.Errorf("syftevent: endpoint %q (registered at %s): %w; Server.AllowAnyName lets a server without SyftBox have it", rt.pattern.text, rt.site, err)
	}
	return nil
}

// publishRoutes makes the folders of the endpoints and writes what they expect.
// It changes no file but the schema. A route that was registered too late for
// the server not to start, and can never be delivered to, is logged and left out.
// [layout-keep]
func (s *serving) publishRoutes(root *os.Root, t *table) error {
	deliverable := &table{}
	for _, rt := range t.routes {
		if err := s.checkRoute(rt); err != nil {
			s.logger.Error("syftevent: a route is not published", "err", err)
			continue
		}
		deliverable.routes = append(deliverable.routes, rt)
	}
	folders := map[string]bool{}
	for _, endpoint := range deliverable.folders() {
		folder := filepath.FromSlash("." + endpoint)
		if err := root.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("syftevent: making the folder of endpoint %s: %w", endpoint, err)
		}
		// Whatever has the name already, nothing depends on it.
		keep, err := root.OpenFile(filepath.Join(folder, keepName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			err = keep.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("syftevent: marking the folder of endpoint %s: %w", endpoint, err)
		}
		folders[endpoint] = true
	}
	if err := writeSchema(root, deliverable); err != nil {
		return fmt.Errorf("syftevent: writing %s: %w", filepath.Join(s.dir, schemaName), err)
	}
	s.published, s.folders = t, folders
	return nil
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
	if there, _, err := spool.ReadFile(root, schemaName, maxOwnFile); err == nil && bytes.Equal(there, indented.Bytes()) {
		return nil
	}
	return spool.Replace(root, schemaName, indented.Bytes())
}
