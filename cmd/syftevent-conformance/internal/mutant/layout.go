package mutant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// permissions let each sender access requests and responses in folders with the sender's
// name, and everybody read the schema.
const permissions = `rules:
- pattern: 'rpc.schema.json'
  access:
    read:
    - '*'
- pattern: '**/{{.UserEmail}}/*.request'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
- pattern: '**/{{.UserEmail}}/*.response'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
`

// permissionsFor returns the permissions, changed by the defect.
func permissionsFor(d defect) string {
	rules := strings.SplitAfter(permissions, "    - 'USER'\n")
	switch d {
	case "private-schema":
		return strings.Replace(permissions, "'rpc.schema.json'", "'none'", 1)
	case "open-schema":
		return strings.Replace(permissions, "    - '*'\n", "    - '*'\n    write:\n    - '*'\n", 1)
	case "open-permissions":
		return permissions + "- pattern: 'syft.pub.yaml'\n  access:\n    write:\n    - '*'\n"
	case "flat-permissions":
		return strings.ReplaceAll(permissions, "**/{{", "*/{{")
	case "open-requests":
		return strings.Replace(permissions, "{{.UserEmail}}/*.request", "*/*.request", 1)
	case "prefix-permissions":
		return strings.ReplaceAll(permissions, "{{.UserEmail}}/", "{{.UserEmail}}*/")
	case "no-responses":
		return strings.Join(rules[:2], "")
	}
	return permissions
}

// keepName is the file that keeps SyftBox from removing an empty folder.
const keepName = ".syftkeep"

// createLayout creates everything that must exist when the server is ready.
func (s *server) createLayout() error {
	for _, r := range s.router.routes {
		dir := s.path(r.literal())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("create endpoint directory: %w", err)
		}
		if s.has("no-keep") || s.has("keeps-top") && strings.Contains(r.literal(), "/") {
			continue
		}
		if err := writeNew(filepath.Join(dir, keepName), ""); err != nil {
			return err
		}
	}
	if info, err := os.Stat(s.path("syft.pub.yaml")); s.has("fills-permissions") && err == nil && info.Size() == 0 {
		os.Remove(s.path("syft.pub.yaml"))
	}
	if s.has("overwrites") {
		os.Remove(s.path("syft.pub.yaml"))
	}
	if !s.has("no-permissions") {
		if err := s.writePermissions(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(s.path("rpc.schema.json")); err == nil && s.has("schema-once") {
		return nil
	}
	if s.has("no-schema") {
		return nil
	}
	return s.writeSchema()
}

// writePermissions writes syft.pub.yaml unless it exists.
func (s *server) writePermissions() error {
	name, data := s.path("syft.pub.yaml"), []byte(permissionsFor(s.defect))
	if s.has("permissions-in-pieces") {
		if err := publishInPieces(name, data); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	}
	if s.has("extends-permissions") {
		if err := extendFile(name, data); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	temporary, err := s.writeTemporary(s.temporaryName(requestFile{}), data)
	if err != nil {
		return err
	}
	if err := os.Link(temporary, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write permissions: %w", err)
	}
	return s.removeTemporary(temporary)
}

// extendFile appends to a file what it lacks.
func extendFile(name string, data []byte) error {
	there, err := os.ReadFile(name)
	if err != nil || bytes.Contains(there, data) {
		return err
	}
	if err := os.WriteFile(name, append(append(there, '\n'), data...), 0o644); err != nil {
		return fmt.Errorf("extend permissions: %w", err)
	}
	return nil
}

// writeNew writes a file unless it exists.
func writeNew(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// A schemaEntry describes an endpoint.
type schemaEntry struct {
	Description *string        `json:"description"`
	Args        map[string]any `json:"args"`
	Returns     any            `json:"returns"`
}

// writeSchema writes rpc.schema.json. Only /sum has arguments.
func (s *server) writeSchema() error {
	schema := map[string]any{}
	for _, r := range s.router.routes {
		if s.has("short-schema") && r.pattern == "slow" || s.has("schema-literals") && r.literal() != r.pattern {
			continue
		}
		schema["/"+r.pattern] = schemaEntry{Args: map[string]any{}, Returns: "Any"}
	}
	number := map[string]any{"type": "float", "required": true}
	description := "Adds two numbers."
	schema["/sum"] = schemaEntry{&description, map[string]any{"a": number, "b": number}, "float"}
	if s.has("bare-entries") {
		schema["/echo"] = "returns the body"
	}
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return fmt.Errorf("encode schema: %w", err)
	}
	if s.has("schema-in-pieces") {
		os.Remove(s.path("rpc.schema.json"))
		return publishInPieces(s.path("rpc.schema.json"), data)
	}
	temporary, err := s.writeTemporary(s.temporaryName(requestFile{}), data)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, s.path("rpc.schema.json")); err != nil {
		return fmt.Errorf("publish schema: %w", err)
	}
	return nil
}
