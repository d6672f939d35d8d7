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

// A Mount says by which path the server sees the files of the suite, where that is
// another than the suite's own, as on a network mount. The zero value says that it
// is the same.
type Mount struct {
	// Dir is a folder as the suite sees it: absolute, without symbolic links.
	Dir string
	// TargetDir is the same folder as the server sees it, absolute.
	TargetDir string
}

// Path returns how the server sees a file, which must be in Dir.
func (m Mount) Path(name string) (string, error) {
	if m == (Mount{}) {
		return name, nil
	}
	rel, err := filepath.Rel(m.Dir, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("the server cannot see %s: it is not in %s", name, m.Dir)
	}
	return filepath.Join(m.TargetDir, rel), nil
}

// translate returns the settings as the server is to see them. It writes a copy of
// the configuration beside it, in which "data_dir" is the server's.
func (m Mount) translate(s Settings) (Settings, error) {
	if m == (Mount{}) {
		return s, nil
	}
	var err error
	if s.RecordPath, err = m.Path(s.RecordPath); err != nil {
		return s, err
	}
	if s.ConfigPath, err = m.config(s.ConfigPath); err != nil {
		return s, fmt.Errorf("translating the server's configuration: %w", err)
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
		return "", fmt.Errorf(`%s: "data_dir" is no path`, path)
	}
	if members["data_dir"], err = m.Path(dataDir); err != nil {
		return "", err
	}
	if data, err = json.MarshalIndent(members, "", "  "); err != nil {
		return "", err
	}
	copied := strings.TrimSuffix(path, ".json") + ".target.json"
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		return "", err
	}
	return m.Path(copied)
}

// Check makes sure that both paths lead to the same folder: a file that is written
// in one must be seen in the other. A mount may be late: it waits for the timeout.
func (m Mount) Check(ctx context.Context, timeout time.Duration) error {
	if m == (Mount{}) {
		return nil
	}
	f, err := os.CreateTemp(m.Dir, ".syftevent-conformance-probe-*.tmp")
	if err != nil {
		return fmt.Errorf("writing a probe: %w", err)
	}
	defer os.Remove(f.Name())
	// The name alone proves nothing in a folder that was copied.
	const text = "the suite writes this"
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing a probe: %w", err)
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
		return errors.New("its content is another")
	}
	return err
}
