package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A site is a SyftBox folder without SyftBox.
type site struct{ dir, config string }

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{dir: filepath.Join(dir, "SyftBox", "datasites"), config: filepath.Join(dir, "config.json")}
	config, err := json.Marshal(map[string]string{"email": "alice@example.com", "data_dir": filepath.Dir(s.dir)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.config, config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "alice@example.com"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes a file below rpc of an app, EMAIL/APP.
func (s *site) write(t *testing.T, app, name, content string) {
	t.Helper()
	file := s.path(app, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *site) path(app, name string) string {
	email, app, _ := strings.Cut(app, "/")
	return filepath.Join(s.dir, email, "app_data", app, "rpc", filepath.FromSlash(name))
}

func (s *site) ls(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, append([]string{"ls", "-config", s.config}, args...)...)
}

func TestLsListsApps(t *testing.T) {
	s := newSite(t)
	python, err := os.ReadFile("../../syftevent/testdata/rpc.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "bob@example.com/python", schemaName, string(python))
	s.write(t, "bob@example.com/empty", schemaName, "{}")
	s.write(t, "bob@example.com/missing", "syft.pub.yaml", "")
	s.write(t, "bob@example.com/typo", "hello/alice@example.com/.syftkeep", "") // of a call to no app
	s.write(t, "carol@example.com/broken", schemaName, `{"/x": {`)
	s.write(t, "carol@example.com/list", schemaName, `[]`)
	s.write(t, "carol@example.com/null", schemaName, `null`)
	s.write(t, "carol@example.com/word", schemaName, `{"/x": 1}`)
	s.write(t, "carol@example.com/more", schemaName, `{} {}`)
	s.write(t, "carol@example.com/huge", schemaName, "{}"+strings.Repeat(" ", maxSchemaSize))
	s.write(t, "carol@example.com/deep", schemaName, `{"/x": {"returns": `+strings.Repeat(`{"type": "array", "items":`, 150_000))
	s.write(t, "carol@example.com/folder", schemaName+"/file", "")
	s.write(t, "no-address/app", schemaName, "{}")
	for name, content := range map[string]string{".hidden@example.com": "", "file@example.com": ""} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.ls(t).want(t, "ls", exitOK, `APP                       ENDPOINTS
bob@example.com/empty     0
bob@example.com/missing   no rpc.schema.json
bob@example.com/python    48
carol@example.com/broken  malformed rpc.schema.json: unexpected EOF
carol@example.com/deep    malformed rpc.schema.json: values are nested more than 100 levels deep
carol@example.com/folder  rpc.schema.json: not a regular file
carol@example.com/huge    rpc.schema.json: file exceeds the limit of 4 MiB
carol@example.com/list    malformed rpc.schema.json: want an object
carol@example.com/more    malformed rpc.schema.json: data after the value, at byte 4
carol@example.com/null    malformed rpc.schema.json: want an object
carol@example.com/word    malformed rpc.schema.json: endpoint "/x": want an object
`, "")
	s.ls(t, "alice@example.com").want(t, "ls without apps", exitOK, "APP  ENDPOINTS\n", "")
	var apps []app
	if err := json.Unmarshal([]byte(s.ls(t, "bob@example.com", "-json").stdout), &apps); err != nil || len(apps) != 3 || len(apps[2].Endpoints) != 48 || apps[1].Problem != "no rpc.schema.json" {
		t.Errorf("-json: %v, %v", apps, err)
	}
	for arg, want := range map[string]string{
		"bob@example.com/missing":  "bob@example.com/missing: no rpc.schema.json; wait some seconds if the app is new, or ask bob@example.com",
		"bob@example.com/no-such":  `no app "no-such" of bob@example.com on this machine`,
		"dave@example.com":         "no datasite of dave@example.com on this machine",
		"carol@example.com/broken": "malformed rpc.schema.json: unexpected EOF",
	} {
		s.ls(t, arg).want(t, arg, exitFailed, "", want)
	}
	for _, arg := range []string{"bob", "bob@example.com/..", "bob@example.com/a/b", "..", "../x@example.com"} {
		s.ls(t, arg).want(t, arg, exitUsage, "", "want EMAIL or EMAIL/APP")
	}
	s.ls(t, "-config", "/no/such/file").want(t, "no configuration", exitConfig, "", "/no/such/file")
}

func TestLsShowsEndpoints(t *testing.T) {
	s := newSite(t)
	s.write(t, "bob@example.com/notes", schemaName, `{
		"/p": {"description": null, "args": {"x": {"type": {"type": "model", "name": "User", "schema": {"properties": {"name": {"type": "string"}, "age": {"default": 3, "type": "integer"}, "z": {}}, "required": ["name"]}}, "required": false}}, "returns": "any"},
		"/notes/{id}": {"description": "Returns\na note.", "args": {}, "path": {"id": {"type": "str", "required": true}}, "query": {"full": {"type": "bool", "required": false}}, "returns": {"type": "array", "items": "int"}, "method": "GET"},
		"POST /a": {"args": {"b": {"type": "float", "required": true}, "a": {"type": "bytes", "required": true}}},
		"GET /a": {"returns": 1}
	}`)
	s.ls(t, "bob@example.com/notes").want(t, "ls", exitOK, `ENDPOINT     METHOD  FIELDS                               RETURNS       DESCRIPTION
/a           GET     -                                    any           -
/a           POST    b float, a bytes                     any           -
/notes/{id}  GET     path id str, query full? bool        array of int  Returns a note.
/p           any     x? User{name str, age? int, z? any}  any           -
`, "")
	var a app
	if err := json.Unmarshal([]byte(s.ls(t, "bob@example.com/notes/", "-json").stdout), &a); err != nil || a.Email != "bob@example.com" || a.App != "notes" || len(a.Endpoints) != 4 || a.Endpoints[2].Fields[1] != (field{"full", "query", "bool", false}) {
		t.Errorf("-json: %+v, %v", a, err)
	}
}

// The files are written by others: they must not control the terminal or forge lines.
func TestLsEscapesControlCharacters(t *testing.T) {
	s := newSite(t)
	hostile := `\u001b[2J\u009b1A\u202e\r\nbob@example.com/forged  3\t\u0000`
	s.write(t, "bob@example.com/notes", schemaName, `{"/`+hostile+`": {"description": "`+hostile+strings.Repeat("x", 1000)+`", "method": "`+hostile+`", "args": {"`+hostile+`": {"type": "`+hostile+`"}}, "returns": {"type": "model", "name": "`+hostile+`"}}}`)
	s.write(t, "bob@example.com/bad", schemaName, `{"/`+hostile+`": 1}`)
	if runtime.GOOS != "windows" {
		s.write(t, "bob@example.com/app\x1b[2J\n", schemaName, `{}`)
	}
	for _, args := range [][]string{{}, {"-json"}, {"bob@example.com/notes"}, {"bob@example.com/notes", "-json"}, {"bob@example.com/bad"}} {
		r := s.ls(t, args...)
		if text := r.stdout + r.stderr; strings.ContainsAny(text, "\x1b\u009b\u202e\r\t\x00") || strings.Count(text, "\n") > 4 || len(text) > 6000 {
			t.Errorf("%q: %d bytes, %q", args, len(text), text)
		}
		if len(args) > 0 && args[len(args)-1] == "-json" && !json.Valid([]byte(r.stdout)) {
			t.Errorf("%q: invalid JSON: %s", args, r.stdout)
		}
	}
	var apps []app
	if err := json.Unmarshal([]byte(s.ls(t, "bob@example.com", "-json").stdout), &apps); err != nil {
		t.Fatal(err)
	}
	if got := apps[len(apps)-1].Endpoints[0].Path; got != "/\x1b[2J\u009b1A\u202e\r\nbob@example.com/forged  3\t\x00" {
		t.Errorf("-json changes the text: %q", got)
	}
}

func TestLsStaysInDatasites(t *testing.T) {
	s := newSite(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.MkdirAll(filepath.Join(secret, "app_data", "app", "rpc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(secret, schemaName), []byte(`{"/secret": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	s.write(t, "bob@example.com/file", "x", "")
	for target, name := range map[string]string{
		secret:                                   filepath.Join(s.dir, "linked@example.com"),
		filepath.Join(secret, "app_data", "app"): filepath.Join(s.dir, "bob@example.com", "app_data", "linked"),
		filepath.Join(secret, schemaName):        s.path("bob@example.com/file", schemaName),
	} {
		if err := os.Symlink(target, name); err != nil {
			t.Skipf("no symbolic links: %v", err)
		}
	}
	r := s.ls(t)
	if strings.Contains(r.stdout, "linked") || !strings.Contains(r.stdout, "bob@example.com/file  rpc.schema.json: ") || r.status != exitOK {
		t.Errorf("exit %d, %s%s", r.status, r.stdout, r.stderr)
	}
	s.ls(t, "bob@example.com/file").want(t, "a linked schema", exitFailed, "", "path escapes")
	s.ls(t, "bob@example.com/linked").want(t, "a linked app", exitFailed, "", "no app")
	s.ls(t, "linked@example.com").want(t, "a linked datasite", exitFailed, "", "no datasite")
}
