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

// A Client is the SyftBox installation of one user. It sends requests. [LoadClient] reads
// the fields from SyftBox's configuration; a program may also set them itself. Fields must
// not be changed and the Client must not be copied after first use. The methods may be
// called concurrently.
//
// A Client has goroutines only while calls wait. For a minute after a call it checks
// every three seconds, on a timer, for files of the call that SyftBox brought back, and
// removes them. It tracks 10,000 calls at most. A program that makes many calls should
// use one Client. [client-collect]
type Client struct {
	// Email is the e-mail address of the user, whose datasite is on this machine. It is
	// required.
	Email string
	// DataDir is SyftBox's folder, the parent of "datasites". It is required.
	DataDir string
	// ServerURL is the URL of SyftBox's server. [LoadClient] defaults it to
	// [DefaultServerURL]. This package never connects to it.
	ServerURL string
	// ClientURL is the URL of SyftBox's own client on this machine, or "" if the
	// configuration has none. This package never connects to it.
	ClientURL string
	// MaxResponseSize limits the size of a response file, with its body in base64, in
	// bytes. Defaults to [DefaultMaxResponseSize]. Negative disables the limit; a server can
	// then exhaust the memory of its callers.
	MaxResponseSize int64
	// AllowAnyName permits requests to apps and endpoints whose names SyftBox never delivers, such
	// as "logs", for folders that SyftBox does not synchronize. Without it, [Client.Send] returns an
	// error for them.
	AllowAnyName bool

	mu        sync.Mutex
	nextNudge time.Time // when the next request may be modified
	collector collector
	lapsed    lapsed
	waits     waits
}

// DefaultServerURL is the ServerURL that [LoadClient] sets if the configuration has none.
const DefaultServerURL = "https://syftbox.openmined.org"

// DefaultMaxResponseSize is the default of [Client.MaxResponseSize], in bytes: enough for
// a body of almost 48 MiB.
const DefaultMaxResponseSize = 64 << 20

// ConfigPathVariable is the environment variable with the path of the configuration file
// for [LoadClient].
const ConfigPathVariable = "SYFTBOX_CLIENT_CONFIG_PATH"

// A ConfigError reports an unusable configuration file.
type ConfigError struct {
	Path  string // path of the file
	Field string // invalid field, or "" if the file itself is invalid
	Err   error  // reason
}

// Error returns the path, the field if any, and the reason.
func (e *ConfigError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("SyftBox configuration %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("SyftBox configuration %s: field %q: %v", e.Path, e.Field, e.Err)
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// LoadClient reads SyftBox's configuration from path. If path is "", it reads the file
// named by $SYFTBOX_CLIENT_CONFIG_PATH, or else ~/.syftbox/config.json. If the file does
// not exist, it tries client_config.json in the same folder. The error is a
// [*ConfigError], whose text is one line.
func LoadClient(path string) (*Client, error) {
	path, err := configPath(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		oldPath := filepath.Join(filepath.Dir(path), "client_config.json")
		if oldData, oldErr := os.ReadFile(oldPath); oldErr == nil {
			path, data, err = oldPath, oldData, nil
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

// expandHome replaces a leading "~" with the user's home folder.
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

// parseConfig parses the file that SyftBox writes, and ignores unknown fields.
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

// DatasitesDir returns the folder that holds all datasites.
func (c *Client) DatasitesDir() string { return filepath.Join(c.DataDir, "datasites") }

// Datasite returns the folder of the user's own datasite.
func (c *Client) Datasite() string { return filepath.Join(c.DatasitesDir(), c.Email) }

// AppData returns the folder of an app in the user's own datasite.
func (c *Client) AppData(app string) string { return filepath.Join(c.Datasite(), "app_data", app) }

// check returns an error if the client cannot be used.
func (c *Client) check() error {
	if !datasitePattern.MatchString(c.Email) {
		return fmt.Errorf("syftevent: Client.Email %q is not an e-mail address", c.Email)
	}
	if c.DataDir == "" {
		return errors.New("syftevent: Client.DataDir is empty")
	}
	return nil
}

// orLoad returns the client, or if it is nil the one of SyftBox's configuration.
func orLoad(client *Client) (*Client, error) {
	if client == nil {
		return LoadClient("")
	}
	return client, client.check()
}

// rpcDir is the directory below which an app's requests arrive.
func rpcDir(client *Client, app string) string {
	return filepath.Join(client.AppData(app), "rpc")
}
