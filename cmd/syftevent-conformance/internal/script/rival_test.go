package script

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestRespellsDataDir(t *testing.T) {
	dir := t.TempDir()
	data, err := json.Marshal(map[string]string{"email": "server@example.com", "data_dir": dir})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "mine.json")
	if err := os.WriteFile(config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := respell(config, dir)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	data, err = os.ReadFile(name)
	if err != nil || json.Unmarshal(data, &got) != nil {
		t.Fatalf("%s, %v", data, err)
	}
	if got["data_dir"] == dir || filepath.Clean(got["data_dir"]) != dir || got["email"] != "server@example.com" {
		t.Errorf("%s", data)
	}
	if _, err := respell(filepath.Join(dir, "none.json"), dir); err == nil {
		t.Error("a missing file is accepted")
	}
}
