package target

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMountPath(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	m := Mount{Dir: at("a"), TargetDir: at("mnt/b")}
	for name, want := range map[string]string{"a": "mnt/b", "a/x/y": "mnt/b/x/y"} {
		if got, err := m.Path(at(name)); err != nil || got != at(want) {
			t.Errorf("%s: %s, %v; want %s", name, got, err, at(want))
		}
	}
	for _, name := range []string{"b", "ab", "a/../b"} {
		if got, err := m.Path(at(name)); err == nil {
			t.Errorf("%s maps to %s, want an error", name, got)
		}
	}
	if got, err := (Mount{}).Path("anything"); err != nil || got != "anything" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMountTranslatesTheConfig(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "config.json")
	text, err := json.Marshal(map[string]any{"data_dir": filepath.Join(dir, "SyftBox"), "email": "bob@x.org", "more": []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	m := Mount{Dir: dir, TargetDir: other}
	got, err := m.translate(Settings{ConfigPath: path, RecordPath: filepath.Join(dir, "record"), LogDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{ConfigPath: filepath.Join(other, "config.target.json"), RecordPath: filepath.Join(other, "record"), LogDir: dir}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.target.json"))
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	wantMembers := map[string]any{"data_dir": filepath.Join(other, "SyftBox"), "email": "bob@x.org", "more": []any{1.0}}
	if diff := cmp.Diff(wantMembers, members); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != string(text) {
		t.Errorf("the original became %s, %v", data, err)
	}
}

func TestMountRefusesMalformedConfigs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	m := Mount{Dir: dir, TargetDir: t.TempDir()}
	for _, text := range []string{"", "[]", "{}", `{"data_dir":7}`, `{"data_dir":"/elsewhere"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := m.config(path); err == nil {
			t.Errorf("%q became %s, want an error", text, got)
		}
	}
}
