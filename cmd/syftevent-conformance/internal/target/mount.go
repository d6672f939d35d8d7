package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Mount maps the suite's paths to the server's, which differ if the server sees the
// files through a network mount. The zero value maps each path to itself.
type Mount struct {
	// Dir is the absolute path of a directory as the suite sees it, without symbolic
	// links.
	Dir string
	// TargetDir is the absolute path of the same directory as the server sees it.
	TargetDir string
	// Number distinguishes the mounts of one directory.
	Number int
}

// Path returns the server's path of a file in Dir.
func (m Mount) Path(name string) (string, error) {
	if m == (Mount{}) {
		return name, nil
	}
	rel, err := filepath.Rel(m.Dir, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("map %s for the server: it is not in %s", name, m.Dir)
	}
	return filepath.Join(m.TargetDir, rel), nil
}

// translate returns the settings with the server's paths. It writes a copy of the config
// file whose "data_dir" is the server's.
func (m Mount) translate(s Settings) (Settings, error) {
	if m == (Mount{}) {
		return s, nil
	}
	var err error
	if s.RecordPath, err = m.Path(s.RecordPath); err != nil {
		return s, err
	}
	if s.ConfigPath, err = m.config(s.ConfigPath); err != nil {
		return s, fmt.Errorf("translate SyftBox config: %w", err)
	}
	return s, nil
}

func (m Mount) config(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	dataDir, ok := members["data_dir"].(string)
	if !ok {
		return "", fmt.Errorf(`%s: "data_dir" is not a string`, path)
	}
	if members["data_dir"], err = m.Path(dataDir); err != nil {
		return "", err
	}
	if data, err = json.MarshalIndent(members, "", "  "); err != nil {
		return "", err
	}
	copied := strings.TrimSuffix(path, ".json") + ".target.json"
	if m.Number > 0 {
		copied = fmt.Sprintf("%s.%d.target.json", strings.TrimSuffix(path, ".json"), m.Number)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		return "", err
	}
	return m.Path(copied)
}

// Check checks that both paths lead to the same directory: a file written to one must
// appear in the other. A mount may lag, so Check retries until the timeout.
func (m Mount) Check(ctx context.Context, timeout time.Duration) error {
	if m == (Mount{}) {
		return nil
	}
	f, err := os.CreateTemp(m.Dir, ".syftevent-conformance-probe-*.tmp")
	if err != nil {
		return fmt.Errorf("write probe file: %w", err)
	}
	defer os.Remove(f.Name())
	// The name alone proves nothing: the directory may be a copy.
	const text = "written by syftevent-conformance"
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write probe file: %w", err)
	}
	seen, err := m.Path(f.Name())
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(timeout); ; {
		data, err := os.ReadFile(seen)
		if err == nil && string(data) == text {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s and %s are not the same folder: a file written in the first was not seen in the second within %v (%w)",
				m.Dir, m.TargetDir, timeout, orDiffers(err))
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func orDiffers(err error) error {
	if err == nil {
		return errors.New("its content differs")
	}
	return err
}
