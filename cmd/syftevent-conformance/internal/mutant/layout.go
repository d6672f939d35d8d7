package mutant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// permissions let each sender write requests and read responses in folders of the
// sender's own name, and everybody read the schema.
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

// keepName is the file without which SyftBox prunes an empty folder.
const keepName = ".syftkeep"

// layOut makes what must be there when the server is ready.
func (s *server) layOut() error {
	for _, r := range s.routes {
		folder := s.path(r.literal())
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making the folder of an endpoint: %w", err)
		}
		if s.has("no-keep") {
			continue
		}
		if err := writeNew(filepath.Join(folder, keepName), ""); err != nil {
			return err
		}
	}
	if s.has("overwrites") {
		os.Remove(s.path("syft.pub.yaml"))
	}
	if !s.has("no-permissions") {
		if err := writeNew(s.path("syft.pub.yaml"), s.permit(permissions)); err != nil {
			return err
		}
	}
	if s.has("no-schema") {
		return nil
	}
	return s.writeSchema()
}

// writeNew writes a file unless there is one.
func writeNew(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making a file of the layout: %w", err)
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// An entry is what the schema says of an endpoint.
type entry struct {
	Description *string        `json:"description"`
	Args        map[string]any `json:"args"`
	Returns     any            `json:"returns"`
}

// writeSchema writes what the endpoints expect. Only /sum has something to tell.
func (s *server) writeSchema() error {
	schema := map[string]any{}
	for _, r := range s.routes {
		if s.has("short-schema") && r.pattern == "slow" {
			continue
		}
		schema["/"+r.pattern] = entry{Args: map[string]any{}, Returns: "Any"}
	}
	number := map[string]any{"type": "float", "required": true}
	description := "Adds two numbers."
	schema["/sum"] = entry{&description, map[string]any{"a": number, "b": number}, "float"}
	if s.has("bare-entries") {
		schema["/echo"] = "sends back what it gets"
	}
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the schema: %w", err)
	}
	temporary, err := s.writeTemporary("", data)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, s.path("rpc.schema.json")); err != nil {
		return fmt.Errorf("publishing the schema: %w", err)
	}
	return nil
}
