package syftevent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func writeConfig(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadClient(t *testing.T) {
	data := filepath.Join(t.TempDir(), "SyftBox")
	quoted := `"` + filepath.ToSlash(data) + `"`
	tests := map[string]*Client{
		`{"email":"bob@example.com","data_dir":` + quoted + `,"server_url":"https://s","client_url":"http://c","access_token":"x"}`: {
			Email: "bob@example.com", DataDir: data, ServerURL: "https://s", ClientURL: "http://c"},
		`{"email":"bob@example.com","sync_folder":` + quoted + `,"server_url":null}`: {
			Email: "bob@example.com", DataDir: data, ServerURL: DefaultServerURL},
	}
	for content, want := range tests {
		path := writeConfig(t, "config.json", content)
		byArgument, err := LoadClient(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, byArgument, cmpopts.IgnoreUnexported(Client{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		t.Setenv(ConfigPathVariable, path)
		byEnvironment, err := LoadClient("")
		if err != nil || byEnvironment.Email != want.Email || byEnvironment.DataDir != want.DataDir {
			t.Errorf("by environment: %v, %v", byEnvironment, err)
		}
	}
}

func TestLoadClientSearchesDefaultPaths(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv(ConfigPathVariable, "")
	// The file with the old name is used if the one with the usual name is missing.
	for _, name := range []string{"client_config.json", "config.json"} {
		path := filepath.Join(home, ".syftbox", name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(`{"email":"bob@example.com","data_dir":"~/`+name+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadClient("")
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(home, name); c.DataDir != want {
			t.Errorf("DataDir %s, want %s", c.DataDir, want)
		}
	}
}

func TestConfigErrorNamesFileAndField(t *testing.T) {
	tests := []struct{ content, field string }{
		{``, ""},
		{`[]`, ""},
		{`null`, ""},
		{`{"email":`, ""},
		{`{"data_dir":"/x"}`, "email"},
		{`{"email":7,"data_dir":"/x"}`, "email"},
		{`{"email":"bob","data_dir":"/x"}`, "email"},
		{`{"email":"bob@example.com"}`, "data_dir"},
		{`{"email":"bob@example.com","sync_folder":["/x"]}`, "sync_folder"},
		{`{"email":"bob@example.com","data_dir":"/x","server_url":1}`, "server_url"},
	}
	for _, test := range tests {
		path := writeConfig(t, "config.json", test.content)
		_, err := LoadClient(path)
		var config *ConfigError
		if !errors.As(err, &config) || config.Path != path || config.Field != test.field {
			t.Errorf("%s: error %v", test.content, err)
			continue
		}
		if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) || !strings.Contains(text, test.field) {
			t.Errorf("%s: error text %q", test.content, text)
		}
	}
	missing := filepath.Join(t.TempDir(), "none", "config.json")
	if _, err := LoadClient(missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: %v", err)
	}
}

func TestClientFolders(t *testing.T) {
	c := Client{Email: "bob@example.com", DataDir: "data"}
	if want := filepath.Join("data", "datasites", "bob@example.com", "app_data", "chat"); c.AppData("chat") != want {
		t.Errorf("AppData %s, want %s", c.AppData("chat"), want)
	}
}

func TestHeaders(t *testing.T) {
	h := Headers{"Content-Type": "a", "x-b": "1", "X-B": "2"}
	if h.Get("content-type") != "a" || h.Get("X-B") != "2" || h.Get("x-B") != "2" || h.Get("none") != "" {
		t.Errorf("Get of %v", h)
	}
	h.Set("X-b", "3")
	h.Del("CONTENT-TYPE")
	if diff := cmp.Diff(Headers{"X-b": "3"}, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if Headers(nil).Get("x") != "" {
		t.Error("nil headers have a value")
	}
}
