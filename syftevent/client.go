package syftevent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A Client knows whose machine this is and where SyftBox keeps its files, and
// sends requests from there. Its fields may be set by hand; [LoadClient] reads
// them from SyftBox's configuration. Its methods may be called concurrently.
//
// A Client has goroutines only while calls wait. For a minute after a call it looks
// every three seconds, by a timer, for files of the call that SyftBox brought back,
// and removes them; it remembers 10,000 calls at most. Programs that make many calls
// should use one Client. [client-collect]
type Client struct {
	// Email is the address of the datasite on this machine.
	Email string
	// DataDir is SyftBox's folder, the parent of "datasites".
	DataDir string
	// ServerURL is SyftBox's server, [DefaultServerURL] if the configuration
	// names none. This package never connects to it.
	ServerURL string
	// ClientURL is where SyftBox's own client listens on this machine, "" if
	// the configuration does not say. This package never connects to it.
	ClientURL string
	// MaxResponseSize is the size in bytes of the largest response file that is read:
	// the body in base64, and the rest. Defaults to [DefaultMaxResponseSize]. Negative
	// disables the limit; a server can then exhaust the memory of its callers.
	MaxResponseSize int64

	mu        sync.Mutex
	nextNudge time.Time // when the next request may be modified
	collector collector
	waits     waits
}

// DefaultServerURL is the server of a configuration that names none.
const DefaultServerURL = "https://syftbox.openmined.org"

// DefaultMaxResponseSize is room for a body of 48 MiB, in bytes. SyftBox carries files
// of more than 4 MiB only by a full synchronization, so larger ones are rare.
const DefaultMaxResponseSize = 64 << 20

// ConfigPathVariable is the environment variable that names the configuration
// file for [LoadClient].
const ConfigPathVariable = "SYFTBOX_CLIENT_CONFIG_PATH"

// A ConfigError says which configuration file is unusable, and which of its
// fields is to blame.
type ConfigError struct {
	Path  string // of the file
	Field string // "" if the file as a whole is to blame
	Err   error
}

func (e *ConfigError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("SyftBox configuration %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("SyftBox configuration %s: field %q: %v", e.Path, e.Field, e.Err)
}

func (e *ConfigError) Unwrap() error { return e.Err }

// LoadClient reads SyftBox's configuration from path, or if that is empty from
// the file named by $SYFTBOX_CLIENT_CONFIG_PATH, or from
// ~/.syftbox/config.json. If there is no such file, client_config.json in the
// same folder is read. An error is a [*ConfigError], of one line.
func LoadClient(path string) (*Client, error) {
	path, err := configPath(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		older := filepath.Join(filepath.Dir(path), "client_config.json")
		if olderData, olderErr := os.ReadFile(older); olderErr == nil {
			path, data, err = older, olderData, nil
		}
	}
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return nil, &ConfigError{Path: path, Err: fmt.Errorf("cannot be read: %w", err)}
	}
	return parseConfig(path, data)
}

func configPath(path string) (string, error) {
	if path == "" {
		path = os.Getenv(ConfigPathVariable)
	}
	if path == "" {
		path = filepath.Join("~", ".syftbox", "config.json")
	}
	return expandHome(path)
}

// expandHome replaces a leading "~" by the user's home folder.
func expandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &ConfigError{Path: path, Err: fmt.Errorf("looking for the home folder: %w", err)}
	}
	return filepath.Join(home, rest), nil
}

// parseConfig reads what SyftBox itself writes; unknown fields are ignored.
func parseConfig(path string, data []byte) (*Client, error) {
	bad := func(field, format string, args ...any) (*Client, error) {
		return nil, &ConfigError{Path: path, Field: field, Err: fmt.Errorf(format, args...)}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return bad("", "is not valid JSON near byte %d: %w", syntax.Offset, err)
		}
		return bad("", "is not a JSON object")
	}

	c := &Client{ServerURL: DefaultServerURL}
	fields := []struct {
		name, alias string
		value       *string
	}{
		{"email", "", &c.Email},
		{"data_dir", "sync_folder", &c.DataDir},
		{"server_url", "", &c.ServerURL},
		{"client_url", "", &c.ClientURL},
	}
	for _, field := range fields {
		name := field.name
		raw, ok := members[name]
		if !ok && field.alias != "" {
			name = field.alias
			raw, ok = members[name]
		}
		if !ok || string(raw) == "null" {
			continue
		}
		if json.Unmarshal(raw, field.value) != nil {
			return bad(name, "must be a string")
		}
	}
	if c.Email == "" {
		return bad("email", "is missing")
	}
	if !datasitePattern.MatchString(c.Email) {
		return bad("email", "%q is not an e-mail address", c.Email)
	}
	if c.DataDir == "" {
		return bad("data_dir", "is missing")
	}
	dir, err := expandHome(c.DataDir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return bad("data_dir", "%w", err)
	}
	c.DataDir = dir
	return c, nil
}

// DatasitesDir returns the folder that holds everyone's datasite.
func (c *Client) DatasitesDir() string { return filepath.Join(c.DataDir, "datasites") }

// Datasite returns the folder of this machine's own datasite.
func (c *Client) Datasite() string { return filepath.Join(c.DatasitesDir(), c.Email) }

// AppData returns the folder of one app in this machine's own datasite.
func (c *Client) AppData(app string) string { return filepath.Join(c.Datasite(), "app_data", app) }

// check reports what keeps the client from being used.
func (c *Client) check() error {
	if !datasitePattern.MatchString(c.Email) {
		return fmt.Errorf("syftevent: Client.Email %q is not an e-mail address", c.Email)
	}
	if c.DataDir == "" {
		return errors.New("syftevent: Client.DataDir is empty")
	}
	return nil
}

// checkAppName refuses an app name that is not one folder's name.
func checkAppName(app string) error {
	if app == "" {
		return errors.New("syftevent: the app name is empty")
	}
	if app == "." || !filepath.IsLocal(app) || strings.ContainsAny(app, `/\`) || strings.ContainsFunc(app, isControl) {
		return fmt.Errorf("syftevent: app name %q must be the name of one folder", app)
	}
	return nil
}
